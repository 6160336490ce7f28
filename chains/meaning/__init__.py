"""What references mean: parts, kinds, needs."""
