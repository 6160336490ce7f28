"""References and expressions: parsed and evaluated by whitelist."""
