"""What the studio's apps say of themselves, kept with the package: none is started to be looked at."""

import hashlib
import json
from importlib.metadata import version
from importlib.resources import files

from spaces_registry.cache import space_of
from spaces_registry.signature import Space

_FILE = "described.json"
_LENGTH = 16  # hex digits of the hash; as long as that of another app's traits


def described(space: str) -> Space:
    """The description of the app that stands in for a Space; without a URL, for it may not run.

    Its `traits` are those of the description and of the installed Gradio: results are kept by them.

    Args:
        space: an id of `SPACES`.
    """
    text = files("pipelines.studio").joinpath(_FILE).read_text("utf-8")
    data = json.loads(text)[space]
    gradio = version("gradio")
    facts = json.dumps([gradio, data], sort_keys=True)
    traits = hashlib.sha256(facts.encode()).hexdigest()[:_LENGTH]
    return space_of({**data, "address": space, "url": "", "gradio": gradio, "traits": traits})


def kept_facts(space: Space) -> dict[str, object]:
    """Of an app's own description what is kept: not where it is, nor what every Gradio says otherwise."""
    import dataclasses  # noqa: PLC0415 - only who writes or compares the file needs it

    left_out = ("address", "url", "gradio", "traits", "revision", "stage", "hardware")
    facts = {name: value for name, value in dataclasses.asdict(space).items() if name not in left_out}
    kept: dict[str, object] = json.loads(json.dumps(facts))
    return kept
