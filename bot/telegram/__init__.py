"""The transport to and from Telegram: web hook, polling, tunnel, rate limits, downloads."""
