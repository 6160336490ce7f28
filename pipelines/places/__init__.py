"""Where steps are performed: one module a kind of place, behind `places`."""
