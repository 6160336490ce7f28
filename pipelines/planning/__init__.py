"""What a run would do and take, and what was taken."""
