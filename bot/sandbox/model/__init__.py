"""What the sandbox's Telegram holds: users, chats, files, updates and the web hook."""
