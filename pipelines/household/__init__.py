"""What outlives a run: the home folder, trust, keys, templates, the list of runs."""
