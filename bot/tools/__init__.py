"""Commands besides the bot itself: the chat page, the rehearsal, the examples."""
