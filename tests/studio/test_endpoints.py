"""What the apps offer: what chains written for their namesakes on the Hub rely on."""

from collections.abc import Callable
from typing import Any

import pytest
from gradio_client import Client

from pipelines.studio import SPACES

OFFERED = {
    "Tongyi-MAI/Z-Image-Turbo": (
        {
            "prompt": "Textbox",
            "resolution": "Dropdown",
            "seed": "Number",
            "steps": "Slider",
            "random_seed": "Checkbox",
        },
        [("Generated Images", "Gallery"), ("Seed Used", "Textbox"), ("Seed", "Number")],
    ),
    "alexnasa/ltx-2-TURBO": (
        {"first_frame": "Image", "prompt": "Textbox", "duration": "Slider"},
        [("Generated Video", "Video")],
    ),
    "Qwen/Qwen3-TTS": (
        {"text": "Textbox", "language": "Dropdown", "voice_description": "Textbox"},
        [("Generated Audio", "Audio")],
    ),
}


def described(client: Client, endpoint: str) -> dict[str, Any]:
    """What an app says about one of its endpoints."""
    said = client.view_api(print_info=False, return_format="dict")
    assert isinstance(said, dict)
    return dict(said["named_endpoints"][endpoint])


@pytest.mark.parametrize("space", SPACES)
def test_an_app_has_the_endpoint_parameters_and_returns_of_its_namesake(
    space: str, client_of: Callable[[str], Client]
) -> None:
    """A chain must run unchanged in the studio and on the Hub."""
    about = described(client_of(space), SPACES[space].endpoint)

    parameters, returns = OFFERED[space]
    assert {one["parameter_name"]: one["component"] for one in about["parameters"]} == parameters
    assert [(one["label"], one["component"]) for one in about["returns"]] == returns


@pytest.mark.parametrize("space", SPACES)
def test_an_app_has_no_other_endpoint(space: str, client_of: Callable[[str], Client]) -> None:
    """A step that names no endpoint must find the one there is."""
    said = client_of(space).view_api(print_info=False, return_format="dict")

    assert isinstance(said, dict)
    assert list(said["named_endpoints"]) == [SPACES[space].endpoint]


def test_the_picture_app_has_its_namesakes_defaults(client_of: Callable[[str], Client]) -> None:
    """What a chain leaves out must mean the same as on the Hub."""
    about = described(client_of("Tongyi-MAI/Z-Image-Turbo"), "/generate")

    defaults = {one["parameter_name"]: one["parameter_default"] for one in about["parameters"]}
    assert defaults == {
        "prompt": None, "resolution": "1024x1024 ( 1:1 )", "seed": 42, "steps": 8, "random_seed": True,
    }  # fmt: skip
