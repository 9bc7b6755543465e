"""The Bot API over HTTP: its methods, their arguments and their refusals."""
