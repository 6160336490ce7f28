"""YAML text with every value's place in it."""
