"""The inline keyboards, and the data that their buttons carry."""
