"""Requests: whom we ask, what we send along, how much we take, what refusals mean."""
