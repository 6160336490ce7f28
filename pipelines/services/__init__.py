"""Calls HTTP vendors as their service files describe them: one engine for all of them."""
