"""Taking a piece out of a video or a sound: a span, a frame, several frames, the sound alone."""

from pipelines.artifacts.filetypes import filetype_of
from pipelines.ffmpeg import SAME_BYTES, source
from pipelines.media.coding import (
    MP4_FILE,
    MP4_PICTURE,
    MP4_SOUND,
    SOUND_FORMATS,
    evened,
    frame_rate,
    stamp,
)
from pipelines.media.operation import Operation, Work, choice, needs, number, operation
from spaces_registry.signature import File, Kind, Value

_LONGEST_S = 86_400
_BEFORE_S = (
    0.0005  # a seek lands on the first frame at or after its time; this far before is still that frame
)


def _span(work: Work, whole: float) -> tuple[float, float]:
    """Where the piece starts and how long it is, in seconds, out of `start` and `end` or `seconds`.

    Raises:
        RejectedInput: nothing would be left.
    """
    start, end, length = work.number("start"), work.maybe("end"), work.maybe("seconds")
    if end is not None and length is not None:
        raise work.refuse("both end and seconds are given", hint="give one of them")
    if start >= whole:
        raise work.refuse(f"start is {start:g} s, but there are only {whole:.2f} s")
    if end is None:
        end = whole if length is None else start + length
    if end <= start:
        raise work.refuse(f"end is {end:g} s, which is not after start ({start:g} s)")
    return start, min(end, whole) - start


async def _trim(work: Work) -> tuple[Value, ...]:
    video = work.file("video")
    measured = await work.picture(video)
    start, length = _span(work, await work.seconds(video, "v"))
    result = work.made("trim.mp4", "video/mp4")
    sound = ("-map", "0:a:0", *MP4_SOUND) if measured.has_audio else ()
    graph = f"[0:v:0]fps={frame_rate(measured)},{evened()}[v]"
    await work.ffmpeg().run(
        (
            *(
                *source(video.path, "-ss", stamp(start)),
                "-filter_complex",
                graph,
                "-map",
                "[v]",
                *MP4_PICTURE,
            ),
            *(*sound, "-t", stamp(length), *MP4_FILE, result.name),
        ),
        work.tell,
        seconds=length,
    )
    return (result,)


async def _trim_audio(work: Work) -> tuple[Value, ...]:
    audio = work.file("audio")
    await work.sound(audio)
    start, length = _span(work, await work.seconds(audio, "a"))
    form = filetype_of(audio.path).extension.lstrip(".")
    form = form if form in SOUND_FORMATS else "m4a"
    # samples are cut behind the decoder: a seek in a compressed sound lands beside the time asked for
    cut = f"atrim=start={stamp(start)}:duration={stamp(length)},asetpts=PTS-STARTPTS"
    return (await written_sound(work, audio, "trim_audio", form, length, "-af", cut),)


async def _extract_audio(work: Work) -> tuple[Value, ...]:
    video = work.file("video")
    await work.sound(video)
    length = await work.seconds(video, "a")
    return (await written_sound(work, video, "extract_audio", work.word("format"), length),)


async def written_sound(work: Work, file: File, stem: str, form: str, length: float, *options: str) -> File:
    """Write the first sound track of a file in one of `SOUND_FORMATS`."""
    mime, encoder = SOUND_FORMATS[form]
    result = work.made(f"{stem}.{form}", mime)
    arguments = (*source(file.path), "-map", "0:a:0", *options, *encoder, *SAME_BYTES, result.name)
    await work.ffmpeg().run(arguments, work.tell, seconds=length)
    return result


async def _thumbnail(work: Work) -> tuple[Value, ...]:
    video = work.file("video")
    await work.picture(video)
    times = tuple(start for start, _ in await work.packets(video, "v"))
    at = _moment(work, times)
    shown = max((one for one in times if one <= at + _BEFORE_S), default=times[0])
    result = work.made("thumbnail.png", "image/png")
    seek = ("-ss", stamp(shown - _BEFORE_S)) if shown > _BEFORE_S else ()
    arguments = (*source(video.path, *seek), "-map", "0:v:0", "-frames:v", "1", *_PNG, result.name)
    await work.ffmpeg().run(arguments, work.tell, seconds=0)
    return (result,)


_PNG = ("-c:v", "png", "-pix_fmt", "rgb24", *SAME_BYTES, "-f", "image2", "-update", "1")


def _moment(work: Work, times: tuple[float, ...]) -> float:
    """The time that `at` means; a time behind the end is the last frame's."""
    value = work.value("at")
    match value:
        case "start":
            return times[0]
        case "middle":
            return times[len(times) // 2]
        case "end":
            return times[-1]
    try:
        at = float(str(value))
    except ValueError:
        at = -1.0
    if isinstance(value, bool) or not 0 <= at <= _LONGEST_S:
        raise work.refuse(f"at is {value!r}", hint="give seconds, or one of: start, middle, end")
    return at


async def _frames(work: Work) -> tuple[Value, ...]:
    video, every, limit = work.file("video"), work.number("every"), int(work.number("limit"))
    await work.picture(video)
    length = await work.seconds(video, "v")
    chosen = f"select='gte(t,selected_n*{stamp(every)}-{_BEFORE_S})'"
    graph = ("-vf", f"setpts=PTS-STARTPTS,{chosen}", "-fps_mode", "passthrough", "-frames:v", str(limit))
    written = ("-c:v", "png", "-pix_fmt", "rgb24", *SAME_BYTES, "-f", "image2", "frame-%05d.png")
    await work.ffmpeg().run(
        (*source(video.path), "-map", "0:v:0", *graph, *written), work.tell, seconds=length
    )
    made = sorted(work.folder.glob("frame-*.png"))
    return (tuple(work.made(one.name, "image/png") for one in made),)


async def _loop(work: Work) -> tuple[Value, ...]:
    video, length = work.file("video"), work.number("seconds")
    measured = await work.picture(video)
    result = work.made("loop.mp4", "video/mp4")
    sound = ("-map", "0:a:0", *MP4_SOUND) if measured.has_audio else ()
    graph = f"[0:v:0]fps={frame_rate(measured)},{evened()}[v]"
    await work.ffmpeg().run(
        (
            *source(video.path, "-stream_loop", "-1"),
            *("-filter_complex", graph, "-map", "[v]", *MP4_PICTURE, *sound),
            *("-t", stamp(length), *MP4_FILE, result.name),
        ),
        work.tell,
        seconds=length,
    )
    return (result,)


_SPAN = (
    number("start", "Where the piece starts, in seconds", 0, 0, _LONGEST_S),
    number("end", "Where it ends, in seconds; the end if left out", None, 0, _LONGEST_S),
    number("seconds", "How long it is, instead of end", None, 0.01, _LONGEST_S),
)
TRIM = operation(
    "trim",
    "Cut a piece out of a video, exact to the frame.",
    (needs("video", Kind.VIDEO, "Video"), *_SPAN),
    Kind.VIDEO,
    _trim,
)
TRIM_AUDIO = operation(
    "trim_audio",
    "Cut a piece out of a sound; the format stays where it can.",
    (needs("audio", Kind.AUDIO, "Sound"), *_SPAN),
    Kind.AUDIO,
    _trim_audio,
)
EXTRACT_AUDIO = operation(
    "extract_audio",
    "Take the sound out of a video.",
    (needs("video", Kind.VIDEO, "Video"), choice("format", "Format", *SOUND_FORMATS)),
    Kind.AUDIO,
    _extract_audio,
)
THUMBNAIL = operation(
    "thumbnail",
    "Take one frame out of a video, as PNG.",
    (
        needs("video", Kind.VIDEO, "Video"),
        choice("at", "Which: seconds, or one of these words", "middle", "start", "end", closed=False),
    ),
    Kind.IMAGE,
    _thumbnail,
)
FRAMES = operation(
    "frames",
    "Take frames out of a video at even distances, as a list of PNG.",
    (
        needs("video", Kind.VIDEO, "Video"),
        number("every", "Seconds from one to the next", 1, 0.01, 3600),
        number("limit", "At most so many", 50, 1, 1000, whole=True),
    ),
    Kind.IMAGE,
    _frames,
    many=True,
)
LOOP = operation(
    "loop",
    "Repeat a video until it is as long as asked for.",
    (needs("video", Kind.VIDEO, "Video"), number("seconds", "How long the result is", 10, 0.1, 3600)),
    Kind.VIDEO,
    _loop,
)
CUTTING: tuple[Operation, ...] = (TRIM, TRIM_AUDIO, EXTRACT_AUDIO, THUMBNAIL, FRAMES, LOOP)
