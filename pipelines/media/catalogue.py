"""All media operations, by name. Building it reads no file and imports neither Pillow nor an ffmpeg."""

from collections.abc import Mapping

from pipelines.media.convert import CONVERTING
from pipelines.media.crop import CROPPING
from pipelines.media.cut import CUTTING
from pipelines.media.facts import FACTS
from pipelines.media.grid import GRIDS
from pipelines.media.join import JOINING
from pipelines.media.operation import Operation
from pipelines.media.overlay import OVERLAYING
from pipelines.media.pictures import PICTURES
from pipelines.media.slides import SLIDES
from pipelines.media.sounds import SOUNDS
from pipelines.media.subtitles import SUBTITLING

_SORTED = (
    *(*JOINING, *SLIDES, *CUTTING, *CONVERTING, *PICTURES),
    *(*CROPPING, *OVERLAYING, *GRIDS, *SUBTITLING, *SOUNDS, *FACTS),
)
BY_NAME: Mapping[str, Operation] = {one.endpoint.name: one for one in _SORTED}
