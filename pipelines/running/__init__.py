"""A run, from the first look to its record."""
