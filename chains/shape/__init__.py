"""What may be written in a chain file: its shape, its schema, its misfits."""
