"""How many calls one place gets at once, so that a public Space is not flooded."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import anyio

from pipelines.places.place import Place

DEFAULT = 4


class Limits:
    """The limiters of one run, one a place.

    Args:
        written: calls at once, by Space, URL, host, or the step kinds `media` and `python`.
    """

    def __init__(self, written: Mapping[str, int]) -> None:
        self._written = dict(written)
        self._limiters: dict[str, anyio.CapacityLimiter] = {}

    def of(self, place: Place) -> anyio.CapacityLimiter:
        """The limiter of a place; work on this machine gets as many as there are processors."""
        key = place.address if place.kind == "space" else place.kind
        if key not in self._limiters:
            self._limiters[key] = anyio.CapacityLimiter(self._limit(place, key))
        return self._limiters[key]

    def _limit(self, place: Place, key: str) -> int:
        host = urlsplit(place.url).hostname if place.url else None
        for name in (key, place.url, host):
            if name in self._written:
                return self._written[name]
        return DEFAULT if place.kind == "space" else max(2, os.cpu_count() or 1)
