"""Taking a piece out of a video or a sound: a span, a frame, several frames, the sound alone."""

import shutil
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import anyio.to_thread

from pipelines.artifacts.measures import Measures
from pipelines.media.coding import HEARD, MP4_FILE, MP4_PICTURE, MP4_SOUND, SOUND_FORMATS, mixed_to, stamp
from pipelines.media.depth import form_of, written_as
from pipelines.media.film import BEFORE_S, Film, film_of, one_turn
from pipelines.media.operation import Operation, Work, choice, needs, number, operation
from pipelines.media.pictures import without_idle_alpha
from pipelines.programs.ffmpeg import SAME_BYTES, source
from spaces_registry.signature import File, Kind, Parameter, Value

_LONGEST_S = 86_400
_LONGEST_LOOP_S = 3600
_LOOP_S = 10.0
_MOST_FRAMES, _MOST_TIMES = 1000, 200
_MP3_CHANNELS = 2


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
    film = await film_of(work, work.file("video"))
    start, length = _span(work, film.seconds)
    graph = film.encoded(start=start, until=length)
    sound: tuple[str, ...] = ()
    if film.measured.has_audio:
        early = start - film.before(start)
        cut = f"atrim=start={stamp(early)},asetpts=PTS-STARTPTS,apad=whole_dur={stamp(length)}"
        graph += f";[0:a:0]{HEARD},{cut}[a]"
        sound = ("-map", "[a]", *MP4_SOUND)
    result = work.made("trim.mp4", "video/mp4")
    await work.ffmpeg().run(
        (
            *film.source(start=start),
            *("-filter_complex", graph, "-map", "[v]", *MP4_PICTURE, *sound),
            *("-t", stamp(length), *MP4_FILE, result.name),
        ),
        work.tell,
        seconds=length,
    )
    return (result,)


async def _trim_audio(work: Work) -> tuple[Value, ...]:
    audio = work.file("audio")
    measured = await work.sound(audio)
    form = form_of(audio, measured)
    start, length = _span(work, await work.seconds(audio, "a"))
    # samples are cut behind the decoder: a seek in a compressed sound lands beside the time asked for
    cut = (f"atrim=start={stamp(start)}:duration={stamp(length)}", "asetpts=PTS-STARTPTS")
    steps = (HEARD, *cut, *writable(form, measured))
    return (await written_sound(work, audio, measured, f"trim_audio.{form}", length, steps),)


async def _extract_audio(work: Work) -> tuple[Value, ...]:
    video = work.file("video")
    measured = await work.sound(video)
    packets = await work.packets(video, "a")
    length = packets.end
    late: tuple[str, ...] = ()
    if work.word("begin") == "sound":
        late = ("asetpts=PTS-STARTPTS",)
        length -= max(0.0, packets.starts[0])
    form = work.word("format")
    steps = (*late, HEARD, *writable(form, measured))
    return (await written_sound(work, video, measured, f"extract_audio.{form}", length, steps),)


async def written_sound(  # noqa: PLR0913 - what, how, and for how long
    work: Work,
    file: File,
    measured: Measures,
    name: str,
    length: float,
    steps: Sequence[str],
    *,
    options: Sequence[str] = (),
    again: Sequence[str] = (),
) -> File:
    """Write the first sound track of a file in one of `SOUND_FORMATS`, or as ALAC, as deep as it came.

    Args:
        work: the call.
        file: what has the sound.
        measured: the sound as it came, which says how deep it is.
        name: of the result; behind its point stands the format, or `alac`.
        length: of the result, in seconds.
        steps: the filters that it goes through.
        options: more of the encoder's.
        again: those of an input that is repeated.
    """
    stem, _, form = name.rpartition(".")
    extension, mime, encoder = written_as(work, file, measured, form)
    result = work.made(f"{stem}.{extension}", mime)
    until = ("-t", stamp(length)) if again else ()
    arguments = (*source(file.path, *again), "-map", "0:a:0", "-af", ",".join(steps), *until)
    await work.ffmpeg().run(
        (*arguments, *options, *encoder, *SAME_BYTES, result.name), work.tell, seconds=length
    )
    return result


def writable(form: str, measured: Measures) -> tuple[str, ...]:
    """The filters that mix a sound down to the channels that a format has room for."""
    too_many = form == "mp3" and (measured.channels or 2) > _MP3_CHANNELS
    return mixed_to(_MP3_CHANNELS, measured) if too_many else ()


async def _thumbnail(work: Work) -> tuple[Value, ...]:
    film = await film_of(work, work.file("video"))
    at = _moment(work, film)
    result = work.made("thumbnail.png", "image/png")
    await work.ffmpeg().run(
        (
            *film.source(start=at),
            *("-map", "0:v:0", *_filtered(film), "-frames:v", "1", *_png(film)),
            *("-update", "1", result.name),
        ),
        work.tell,
        seconds=0,
    )
    return (await _opaque_where_it_is(film, result),)


def _filtered(film: Film, *before: str) -> tuple[str, ...]:
    """The option that filters single frames, and then makes of them what a person sees."""
    steps = (*before, *film.look(None))
    return ("-vf", ",".join(steps)) if steps else ()


def _png(film: Film) -> tuple[str, ...]:
    """The arguments that write frames as PNG, transparent where the film is."""
    colours = "rgba" if film.measured.alpha else "rgb24"
    return ("-c:v", "png", "-pix_fmt", colours, *SAME_BYTES, "-f", "image2")


async def _opaque_where_it_is(film: Film, *pictures: File) -> File:
    """Take the transparency off those that are opaque: a format that may be transparent need not be."""
    if film.measured.alpha:
        for one in pictures:
            await anyio.to_thread.run_sync(without_idle_alpha, one.path)
    return pictures[0]


def _moment(work: Work, film: Film) -> float:
    """The time that `at` means; that of the very end is the last frame's."""
    value, times = work.value("at"), film.times
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
    _within(work, at, film.seconds)
    return at


def _within(work: Work, at: float, length: float) -> None:
    if at > length + BEFORE_S:
        message = f"at is {at:g} s, but the video is over after {length:.2f} s"
        raise work.refuse(message, hint="name an earlier time, or `end`")


async def _frames(work: Work) -> tuple[Value, ...]:
    limit = int(work.number("limit"))
    film = await film_of(work, work.file("video"))
    chosen = _chosen(work, film.times, film.seconds)
    taken = _filtered(film, "setpts=PTS-STARTPTS", f"select='{chosen.filter}'")
    most = ("-fps_mode", "passthrough", "-frames:v", str(min(limit, chosen.most)))
    await work.ffmpeg().run(
        (*film.source(), "-map", "0:v:0", *taken, *most, *_png(film), "frame-%05d.png"),
        work.tell,
        seconds=film.shown,
    )
    made = tuple(work.made(one.name, "image/png") for one in sorted(work.folder.glob("frame-*.png")))
    await _opaque_where_it_is(film, *made)
    return (made,)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which frames are taken: ffmpeg's expression for it, and how many they are at most."""

    filter: str
    most: int


def _chosen(work: Work, times: Sequence[float], length: float) -> _Chosen:
    ways = {name: work.value(name) for name in ("every", "nth", "count", "at")}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise work.refuse(f"{' and '.join(given)} are given", hint="give one of them")
    if (nth := work.maybe("nth")) is not None:
        return _Chosen(f"not(mod(n,{nth:.0f}))", _MOST_FRAMES)
    if ways["at"] is not None:
        moments = sorted(_times(work, length))
        picked = "+".join(
            f"eq(selected_n,{n})*gte(t,{stamp(at)})" for n, at in enumerate(_shown_at(times, moments))
        )
        return _Chosen(picked, len(moments))
    count = int(work.maybe("count") or 0)
    if count == 1:
        return _Chosen(f"gte(t,{stamp(times[len(times) // 2] - times[0] - BEFORE_S)})", 1)
    every = (times[-1] - times[0]) / (count - 1) if count else work.maybe("every") or 1.0
    return _Chosen(f"gte(t,selected_n*{every:.9f}-{BEFORE_S})", count or _MOST_FRAMES)


def _times(work: Work, length: float) -> list[float]:
    """The seconds of `at`, each within the video and none twice."""
    value = work.value("at")
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    if not listed:
        raise work.refuse("at is an empty list", hint="give it at least one time, in seconds")
    if len(listed) > _MOST_TIMES:
        raise work.refuse(f"at has {len(listed)} times", hint=f"at most {_MOST_TIMES} are taken in one step")
    times: dict[float, None] = {}
    for one in listed:
        if isinstance(one, bool) or not isinstance(one, int | float) or not 0 <= one <= _LONGEST_S:
            raise work.refuse(f"at has {one!r} in it", hint="give it seconds, such as [0, 1.5, 4]")
        _within(work, one, length)
        times[float(one)] = None
    return [*times]


def _shown_at(times: Sequence[float], moments: Sequence[float]) -> list[float]:
    """Just before the frame that is shown at each moment, counted from the first frame; never one twice."""
    frames = dict.fromkeys(max(bisect_right(times, one + BEFORE_S) - 1, 0) for one in moments)
    return [times[one] - times[0] - BEFORE_S for one in frames]


async def _loop(work: Work) -> tuple[Value, ...]:
    film = await film_of(work, work.file("video"))
    length = loop_seconds(work, film.seconds)
    result = work.made("loop.mp4", "video/mp4")
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        turn = await one_turn(work, film, parts, sounding=True)
        sound = ("-map", "0:a:0", *MP4_SOUND) if film.measured.has_audio else ()
        await work.ffmpeg().run(
            (
                *source(turn, "-stream_loop", "-1"),
                *("-map", "0:v:0", "-c:v", "copy", *sound, "-t", stamp(length), *MP4_FILE, result.name),
            ),
            work.tell,
            seconds=length,
            span=(0.8, 1.0),
        )
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return (result,)


def loop_seconds(work: Work, once: float) -> float:
    """How long a loop is: `seconds`, or `times` what is repeated, or ten seconds.

    Raises:
        RejectedInput: both are given, or it would never end.
    """
    seconds, times = work.maybe("seconds"), work.maybe("times")
    if seconds is not None and times is not None:
        raise work.refuse("both seconds and times are given", hint="give one of them")
    if times is None:
        return seconds or _LOOP_S
    if times * once > _LONGEST_LOOP_S:
        message = f"{times:g} times {once:.2f} s is longer than {_LONGEST_LOOP_S} s"
        raise work.refuse(message, hint="repeat it less often, or give seconds")
    return times * once


LOOPED = (
    number("seconds", "How long the result is; 10 if neither is given", None, 0.1, _LONGEST_LOOP_S),
    number("times", "How often it is shown or heard, instead", None, 1, 1000, whole=True),
)
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
    (
        needs("video", Kind.VIDEO, "Video"),
        choice("format", "Format", *SOUND_FORMATS),
        choice("begin", "With the video, a late sound after a silence, or with the sound", "video", "sound"),
    ),
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
    "Take frames out of a video, as a list of PNG: at even distances, every n-th, or at given times.",
    (
        needs("video", Kind.VIDEO, "Video"),
        number("every", "Seconds from one to the next; 1 if nothing else is given", None, 0.01, 3600),
        number("nth", "Every n-th frame instead", None, 1, 100_000, whole=True),
        number(
            "count", "So many instead, from the first frame to the last", None, 1, _MOST_FRAMES, whole=True
        ),
        Parameter("at", Kind.NUMBER, "Those shown at these seconds instead", required=False, many=True),
        number("limit", "At most so many", 50, 1, _MOST_FRAMES, whole=True),
    ),
    Kind.IMAGE,
    _frames,
    many=True,
)
LOOP = operation(
    "loop",
    "Repeat a video until it is as long as asked for, or so many times.",
    (needs("video", Kind.VIDEO, "Video"), *LOOPED),
    Kind.VIDEO,
    _loop,
)
CUTTING: tuple[Operation, ...] = (TRIM, TRIM_AUDIO, EXTRACT_AUDIO, THUMBNAIL, FRAMES, LOOP)
