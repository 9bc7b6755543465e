"""The bot's state: one SQLite file and a folder of result pictures."""
