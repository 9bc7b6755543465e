"""Jetbrush's Telegram bot: conversation, jobs, and the transport to Telegram."""
