"""The command line by its own name: `python -m spacechain`. What it is made of is in `pipelines`."""
