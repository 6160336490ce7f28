"""What a file is, as facts that expressions can read."""

from dataclasses import replace

import anyio.to_thread

from pipelines.artifacts.filetypes import filetype_of
from pipelines.artifacts.measures import Measures, Unmeasurable
from pipelines.artifacts.probe import measure
from pipelines.media.operation import Operation, Work, needs, operation
from spaces_registry.signature import File, Kind, Value

_MEASURED = frozenset({Kind.IMAGE, Kind.AUDIO, Kind.VIDEO})


async def _probe(work: Work) -> tuple[Value, ...]:
    file = work.file("file")
    found = filetype_of(file.path, file.name)
    measured = await _measures(work, file, found.kind) if found.kind in _MEASURED else Measures()
    kind = found.kind
    if kind in {Kind.AUDIO, Kind.VIDEO} and (measured.has_audio or measured.has_video):
        kind = Kind.VIDEO if measured.has_video else Kind.AUDIO  # MP4 and WebM hold either
    return (
        {
            "kind": str(kind),
            "mime": found.mime,
            "size_bytes": file.path.stat().st_size,
            "seconds": None if measured.seconds is None else round(measured.seconds, 6),
            "width": measured.width,
            "height": measured.height,
            "fps": measured.fps,
            "video_codec": measured.video_codec,
            "audio_codec": measured.audio_codec,
            "has_audio": measured.has_audio,
        },
    )


async def _measures(work: Work, file: File, kind: Kind) -> Measures:
    """Measured as exactly as it can be: the length by the last packet, not by what a header claims."""
    if kind == Kind.IMAGE:
        try:
            return await anyio.to_thread.run_sync(measure, file.path)
        except Unmeasurable as cause:
            raise work.refuse(f"{file.name!r} cannot be decoded: {cause.said}", said=cause.said) from cause
    found = await work.measure(file)
    seconds = max([await work.seconds(file, one) for one in _streams(found)], default=None)
    return replace(found, seconds=seconds)


def _streams(found: Measures) -> tuple[str, ...]:
    return (*(("v",) if found.has_video else ()), *(("a",) if found.has_audio else ()))


PROBE = operation(
    "probe",
    "Tell what a file is: its kind, and as far as it has them its length, size, frame rate and codecs.",
    (needs("file", Kind.FILE, "Image, sound, video, or any other file"),),
    Kind.JSON,
    _probe,
)
FACTS: tuple[Operation, ...] = (PROBE,)
