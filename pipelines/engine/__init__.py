"""The engine: from a checked chain to the results of its steps."""
