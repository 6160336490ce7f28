"""Many runs of one chain: a run a row of a table, within the same limits, resumable."""
