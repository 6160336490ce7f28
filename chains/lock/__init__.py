"""The lock of a chain: what its steps resolved to, and how today's world differs from it."""
