"""What the Hub tells: Spaces, models, providers, whose token it is."""
