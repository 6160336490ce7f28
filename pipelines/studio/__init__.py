"""The local studio: Gradio apps on this machine in place of well-known Spaces, so chains run offline."""

from pipelines.studio.errors import NotInStudio, StudioFailed, StudioNotInstalled
from pipelines.studio.house import open_studio
from pipelines.studio.spaces import SPACES, StudioSpace

__all__ = ["SPACES", "NotInStudio", "StudioFailed", "StudioNotInstalled", "StudioSpace", "open_studio"]
