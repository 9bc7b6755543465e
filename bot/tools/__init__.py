"""The commands beside the bot itself: the chat page, the rehearsal, the examples."""
