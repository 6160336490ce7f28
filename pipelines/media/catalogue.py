"""All media operations, by name. Building it reads no file and imports neither Pillow nor an ffmpeg."""

from collections.abc import Mapping

from pipelines.media.convert import CONVERTING
from pipelines.media.cut import CUTTING
from pipelines.media.join import JOINING
from pipelines.media.operation import Operation
from pipelines.media.pictures import PICTURES
from pipelines.media.slides import SLIDES
from pipelines.media.subtitles import SUBTITLING

BY_NAME: Mapping[str, Operation] = {
    one.endpoint.name: one for one in (*JOINING, *SLIDES, *CUTTING, *CONVERTING, *PICTURES, *SUBTITLING)
}
