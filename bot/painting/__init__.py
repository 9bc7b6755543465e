"""The painter process and the bot's side of it; nothing here knows Telegram."""
