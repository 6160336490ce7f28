"""Laying sound under a picture, and clips behind each other."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pipelines.artifacts.filetypes import filetype_of
from pipelines.artifacts.measures import Measures
from pipelines.media.coding import (
    BETWEEN,
    MP4_FILE,
    MP4_PICTURE,
    MP4_SOUND,
    SILENCE,
    framed,
    one_colour_form,
    parse_size,
    stamp,
    stereo,
)
from pipelines.media.film import Film, film_of, one_turn, sound_turn
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.programs.ffmpeg import SAFE_INPUT, source
from spaces_registry.signature import File, Kind, Value

_A_FRAME_S = 0.04  # a difference that nobody sees or hears, and that encoders make themselves
_COPIED_FROM = frozenset({".mp4", ".mov", ".mkv"})  # containers whose H.264 has the times that MP4 needs
_FIRST_PART = 0.8  # share of the work that bringing clips to one form takes; the rest joins them


async def _mux(work: Work) -> tuple[Value, ...]:
    audio = work.file("audio")
    film = await film_of(work, work.file("video"))
    measured = await work.sound(audio)
    mixed = work.flag("keep_audio") and film.measured.has_audio
    shown, heard = film.seconds if mixed else film.shown, await work.seconds(audio, "a")
    lengths = {"longest": max(shown, heard), "shortest": min(shown, heard), "video": shown, "audio": heard}
    total = lengths[work.word("length")]
    looped, again = work.word("shorter") == "loop", ("-stream_loop", "-1")
    turned = looped and total > shown + _A_FRAME_S
    copied = turned or (abs(total - film.shown) < _A_FRAME_S and is_ready(film.measured, film.file))
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        pictured, own = film.source(), film.sound() if mixed else ""
        if turned:
            pictured = source(await one_turn(work, film, parts, sounding=mixed), *again)
        sounded = source(audio.path)
        if looped and total > heard + _A_FRAME_S:
            sounded = source(await sound_turn(work, audio, measured, parts), *again)
        graph = [_track(f"[1:a:0]{stereo(measured)}", work.number("volume"), total, own)]
        if not copied:
            graph.append(film.encoded(until=total))
        pictures = ("-map", "0:v:0", "-c:v", "copy") if copied else ("-map", "[v]", *MP4_PICTURE)
        result = work.made("mux.mp4", "video/mp4")
        tracks = (*pictures, "-map", "[a]", *MP4_SOUND, "-t", stamp(total))
        await work.ffmpeg().run(
            (*pictured, *sounded, "-filter_complex", ";".join(graph), *tracks, *MP4_FILE, result.name),
            work.tell,
            seconds=total,
            span=(0.8, 1.0) if turned else (0.0, 1.0),
        )
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return (result,)


def is_ready(picture: Measures, video: File) -> bool:
    """Whether the picture can go into an MP4 as it is."""
    fits = picture.video_codec == "h264" and picture.pixel_format in {"yuv420p", "yuvj420p"}
    return fits and filetype_of(video.path).extension in _COPIED_FROM


def _track(sound: str, volume: float, total: float, own: str) -> str:
    """The filters that make the new sound track, as long as the result, and mix in the film's own."""
    louder = f"{sound},volume={volume:.3f}"
    padded = f"apad=whole_dur={stamp(total)}[a]"
    if not own:
        return f"{louder},{padded}"
    mix = "amix=inputs=2:duration=longest:normalize=0,alimiter=limit=0.97:level=disabled"
    return f"{louder}[new];{own}[old];[old][new]{mix},{padded}"


@dataclass(frozen=True, slots=True)
class Form:
    """What clips have to have in common before they can be joined.

    Attributes:
        width: pixels, even.
        height: pixels, even.
        fps: whole frames a second.
        sound: whether there is a sound track.
    """

    width: int
    height: int
    fps: int
    sound: bool


@dataclass(frozen=True, slots=True)
class Joint:
    """How clips follow each other: `none`, `fade` (through black) or `crossfade`, and for how long."""

    transition: str
    seconds: float

    def frames(self, counts: Sequence[int], fps: int) -> tuple[int, ...]:
        """How many frames each transition lasts; never more than half of a clip beside it."""
        if self.transition == "none":
            return (0,) * (len(counts) - 1)
        wanted = round(self.seconds * fps)
        return tuple(min(wanted, one // 2, two // 2) for one, two in pairwise(counts))

    def fades(self, counts: Sequence[int], fps: int) -> tuple[tuple[float, float], ...]:
        """For each clip, for how many seconds it fades in and out by itself."""
        if self.transition != "fade":
            return ((0.0, 0.0),) * len(counts)
        half = [0.0, *(one / 2 / fps for one in self.frames(counts, fps)), 0.0]
        return tuple(pairwise(half))


async def _concat(work: Work) -> tuple[Value, ...]:
    films = [await film_of(work, one) for one in work.files("videos")]
    form = Form(
        *chosen_size(work, *films[0].size),
        fps=int(work.maybe("fps") or films[0].rate),
        sound=any(one.measured.has_audio for one in films),
    )
    counts = [max(1, round(one.seconds * form.fps)) for one in films]
    joint = Joint(work.word("transition"), work.number("transition_seconds"))
    fades = joint.fades(counts, form.fps)
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        clips = []
        for index, film in enumerate(films):
            clip = parts / f"{index:04}.mov"
            arguments = _normal(film, form, counts[index], fades[index])
            span = part_span(counts, index)
            await work.ffmpeg().run(
                (*arguments, *between(joint), str(clip.relative_to(work.folder))),
                work.tell,
                seconds=counts[index] / form.fps,
                span=span,
            )
            clips.append(clip)
        return (await join(work, clips, counts, form, joint, "concat.mp4"),)
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def chosen_size(work: Work, width: int, height: int) -> tuple[int, int]:
    """The `size` argument, or else the size given, made even.

    Raises:
        RejectedInput: it is no size.
    """
    text = work.value("size")
    if text is None:
        return parse_size(f"{width}x{height}") or (1280, 720)
    size = parse_size(str(text))
    if size is None:
        raise work.refuse(f"size is {text!r}", hint="write it like 1280x720, each side 16 to 4096")
    return size


def part_span(counts: Sequence[int], index: int) -> tuple[float, float]:
    """The share of the whole work that bringing one clip of several to form is, as fractions."""
    whole = sum(counts)
    return _FIRST_PART * sum(counts[:index]) / whole, _FIRST_PART * sum(counts[: index + 1]) / whole


def between(joint: Joint) -> tuple[str, ...]:
    """The encoder of a clip: final where it is copied into the result, else quick and all but lossless."""
    sound = ("-c:a", "pcm_s16le")
    return (
        BETWEEN if joint.transition == "crossfade" else (*MP4_PICTURE, *sound, "-threads", "2", "-f", "mov")
    )


def _normal(film: Film, form: Form, count: int, fades: tuple[float, float]) -> tuple[str, ...]:
    """The arguments that bring one clip to form: size, rate, length, sound."""
    length = count / form.fps
    shown = film.picture(rate=form.fps, until=length + 1)  # `trim` cuts it to the frame
    picture = (
        f"{shown},{framed(form.width, form.height, 'contain')},trim=end_frame={count},setpts=PTS-STARTPTS"
        f"{faded('fade', fades, length)},{one_colour_form()}[v]"
    )
    if not form.sound:
        return (*film.source(), "-filter_complex", picture, "-map", "[v]")
    origin = film.sound() if film.measured.has_audio else SILENCE
    sound = (
        f"{origin},apad=whole_dur={stamp(length)},atrim=end={stamp(length)}{faded('afade', fades, length)}[a]"
    )
    return (*film.source(), "-filter_complex", f"{picture};{sound}", "-map", "[v]", "-map", "[a]")


def faded(name: str, fades: tuple[float, float], length: float) -> str:
    """The filters that fade a clip in and out, with their leading comma; empty if it does neither."""
    into, out = fades
    begins = f",{name}=t=in:st=0:d={stamp(into)}" if into else ""
    ends = f",{name}=t=out:st={stamp(length - out)}:d={stamp(out)}" if out else ""
    return begins + ends


async def join(
    work: Work, clips: Sequence[Path], counts: Sequence[int], form: Form, joint: Joint, name: str
) -> File:
    """Join clips of one form into the result; only a crossfade encodes the picture once more."""
    overlaps = joint.frames(counts, form.fps) if joint.transition == "crossfade" else ()
    total = (sum(counts) - sum(overlaps)) / form.fps
    result = work.made(name, "video/mp4")
    if any(overlaps):
        arguments = _crossfaded(clips, counts, overlaps, form)
    else:
        arguments = _one_after_another(clips, form)
    await work.ffmpeg().run(
        (*arguments, *MP4_FILE, result.name), work.tell, seconds=total, span=(_FIRST_PART, 1.0)
    )
    return result


def _one_after_another(clips: Sequence[Path], form: Form) -> tuple[str, ...]:
    listing = clips[0].parent / "list.txt"
    listing.write_text("".join(f"file '{clip.name}'\n" for clip in clips), encoding="utf-8")
    whitelists = ("-protocol_whitelist", "file,pipe", "-format_whitelist", "concat,mov")
    sound = MP4_SOUND if form.sound else ()
    return (
        *whitelists,
        "-f",
        "concat",
        "-safe",
        "0",
        "-i",
        f"file:{listing.absolute()}",
        "-c:v",
        "copy",
        *sound,
    )


def _crossfaded(
    clips: Sequence[Path], counts: Sequence[int], overlaps: Sequence[int], form: Form
) -> tuple[str, ...]:
    inputs = [one for clip in clips for one in (*SAFE_INPUT, "-i", f"file:{clip.absolute()}")]
    graph = [f"[{index}:v]settb=AVTB,fps={form.fps},format=yuv420p[v{index}]" for index in range(len(clips))]
    picture, sound, end = "v0", "0:a", counts[0]
    for index, overlap in enumerate(overlaps, start=1):
        seconds = stamp(max(overlap, 1) / form.fps)
        offset = stamp((end - max(overlap, 1)) / form.fps)
        graph.append(
            f"[{picture}][v{index}]xfade=transition=fade:duration={seconds}:offset={offset}[x{index}]"
        )
        if form.sound:
            graph.append(f"[{sound}][{index}:a]acrossfade=d={seconds}:c1=tri:c2=tri[y{index}]")
        picture, sound, end = f"x{index}", f"y{index}", end + counts[index] - max(overlap, 1)
    heard = ("-map", f"[{sound}]", *MP4_SOUND) if form.sound else ()
    return (*inputs, "-filter_complex", ";".join(graph), "-map", f"[{picture}]", *MP4_PICTURE, *heard)


TRANSITION = (
    choice("transition", "What happens between two of them", "none", "fade", "crossfade"),
    number("transition_seconds", "How long that takes", 0.5, 0.1, 10),
)
MUX = operation(
    "mux",
    "Lay sound under a video; a longer sound holds the last frame, a longer picture goes on in silence.",
    (
        needs("video", Kind.VIDEO, "Video"),
        needs("audio", Kind.AUDIO, "Sound"),
        choice(
            "length", "Which of the two says how long the result is", "longest", "shortest", "video", "audio"
        ),
        choice(
            "shorter", "What the shorter of the two does: its last frame or silence, or again", "hold", "loop"
        ),
        option(
            "keep_audio",
            Kind.BOOLEAN,
            "Mix with the video's own sound instead of replacing it",
            default=False,
        ),
        number("volume", "Loudness of the added sound; 1 leaves it as it is", 1, 0, 10),
    ),
    Kind.VIDEO,
    _mux,
)
CONCAT = operation(
    "concat",
    "Put clips behind each other. All are brought to one size and frame rate; silent ones get silence.",
    (
        needs("videos", Kind.VIDEO, "Clips, in order", many=True),
        *TRANSITION,
        option("size", Kind.TEXT, "Like 1280x720; the first clip's if left out"),
        number("fps", "Frames a second; the first clip's if left out", None, 1, 60, whole=True),
    ),
    Kind.VIDEO,
    _concat,
)
JOINING: tuple[Operation, ...] = (MUX, CONCAT)
