"""The Spaces that the studio stands in for."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_GRADIO, _PICTURES = ("gradio",), ("gradio", "numpy", "PIL")


@dataclass(frozen=True, slots=True)
class StudioSpace:
    """One app of the studio.

    Attributes:
        id: the Space that it stands in for, `owner/name`.
        endpoint: what is called, with its leading slash.
        help: one line: what it makes, and out of what.
        needs: modules that must be installed for it.
    """

    id: str
    endpoint: str
    help: str
    needs: tuple[str, ...]


SPACES: Mapping[str, StudioSpace] = MappingProxyType(
    {
        space.id: space
        for space in (
            StudioSpace(
                "Tongyi-MAI/Z-Image-Turbo",
                "/generate",
                "paints a landscape for a prompt: procedural, the same for the same seed",
                _PICTURES,
            ),
            StudioSpace(
                "alexnasa/ltx-2-TURBO",
                "/generate_video",
                "moves a camera and light over a picture: H.264, 24 frames a second",
                (*_PICTURES, "imageio_ffmpeg"),
            ),
            StudioSpace(
                "Qwen/Qwen3-TTS",
                "/generate_voice_design",
                "speaks English text: a small neural voice, shaped by the description",
                (*_GRADIO, "numpy", "hibari"),
            ),
        )
    }
)
"""Space id → the app that stands in for it."""
