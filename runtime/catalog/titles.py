"""What styles and generators are called in the bot's menus."""

from __future__ import annotations


def translatable(title: str) -> str:
    """Mark an English title for `make texts`, which collects the texts for the bot's translators."""
    return title


def title_of_name(name: str) -> str:
    """The title of a style or generator that the owner installed and that has no other."""
    return name.replace("-", " ").replace("_", " ")
