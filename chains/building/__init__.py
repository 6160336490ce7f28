"""From the text's tree to the values of a chain."""
