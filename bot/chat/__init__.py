"""What the users see: submissions, job messages, texts, keyboards, albums."""
