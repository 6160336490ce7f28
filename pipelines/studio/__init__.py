"""The local studio: Gradio apps on this machine in place of well-known Spaces, so chains run offline."""

from pipelines.studio.errors import NotInStudio, StudioFailed, StudioNotInstalled
from pipelines.studio.house import Studio, idle_studio, open_studio
from pipelines.studio.spaces import SPACES, StudioSpace

__all__ = [
    "SPACES",
    "NotInStudio",
    "Studio",
    "StudioFailed",
    "StudioNotInstalled",
    "StudioSpace",
    "idle_studio",
    "open_studio",
]
