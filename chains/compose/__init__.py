"""A chain out of a row of Spaces, wired by kind: what goes where, and how it is written down."""
