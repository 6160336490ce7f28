"""Beside a chain that names it; never run here."""


def warm(text: str) -> str:
    """Make a prompt warmer."""
    return f"{text}, warm light"
