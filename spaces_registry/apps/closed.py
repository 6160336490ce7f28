"""Whether a Gradio 3 app lets its queued functions be called by its own page alone (`queue(api_open=False)`).

The app does not say so: its route for calls answers 404 for such a function, before it looks at the data. So
one is asked with no data at all, which an open app refuses before the function runs. Later versions are open.

Source: `gradio/routes.py` and `Blocks.validate_inputs` of Gradio 3.50.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from spaces_registry.apps.schema import mapping, sequence
from spaces_registry.errors import CallFailed
from spaces_registry.network.origin import Origin

WHY = "its author lets its own page alone call it (`api_open=False`)"


def is_queued(config: Mapping[str, Any], dependency: Mapping[str, Any]) -> bool:
    """Whether calls of a function wait in the app's queue."""
    return config.get("enable_queue") is True and dependency.get("queue") is not False


async def is_closed(origin: Origin, config: Mapping[str, Any], limits: httpx2.Timeout) -> bool:
    """Ask one queued function that takes something, with nothing; no work is done for it."""
    if config.get("protocol") or not str(config.get("version")).startswith("3."):
        return False
    asked = next(
        (
            name
            for one in map(mapping, sequence(config.get("dependencies")))
            if isinstance(name := one.get("api_name"), str)
            and one.get("backend_fn") is not False
            and sequence(one.get("inputs"))
            and is_queued(config, one)
        ),
        None,
    )
    if asked is None:
        return False
    try:
        path = f"/run/{quote(asked.lstrip('/'))}"
        response = await origin.send(
            "POST", path, limits=limits, at_most_bytes=origin.bounds.refusal_bytes, json={"data": []}
        )
    except CallFailed:
        return False  # the calls themselves will tell
    return response.status_code == httpx2.codes.NOT_FOUND
