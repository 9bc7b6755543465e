"""The state of the sandbox's Telegram: users, chats, files, the update queue, the web hook."""
