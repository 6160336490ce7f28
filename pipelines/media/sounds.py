"""Sound by itself: silence, repetition, loudness, and how a sound looks."""

import json
import math
import re
import shutil
from collections.abc import Sequence

from pipelines.media.coding import HEARD, MP4_FILE, MP4_PICTURE, MP4_SOUND, SOUND_FORMATS, mixed_to, stamp
from pipelines.media.cut import LOOPED, loop_seconds, writable, written_sound
from pipelines.media.depth import form_of
from pipelines.media.film import film_of, sound_turn
from pipelines.media.join import chosen_size, is_ready
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.media.pictures import Colour, colour
from pipelines.programs.ffmpeg import SAME_BYTES, source
from spaces_registry.errors import Crashed
from spaces_registry.signature import File, Kind, Value

_MEASURED = re.compile(r"\{[^{}]*\"input_i\"[^{}]*\}")
_SILENT = -70.0  # LUFS; EBU R128 leaves out what is quieter
_SIZE = (1200, 300)
_USUAL_RATE = 48_000


async def _silence(work: Work) -> tuple[Value, ...]:
    length, form, rate = work.number("seconds"), work.word("format"), work.number("rate")
    layout = "mono" if work.number("channels") == 1 else "stereo"
    mime, encoder = SOUND_FORMATS[form]
    result = work.made(f"silence.{form}", mime)
    graph = f"anullsrc=channel_layout={layout}:sample_rate={rate:.0f},atrim=end={stamp(length)}[a]"
    arguments = ("-filter_complex", graph, "-map", "[a]", *encoder, *SAME_BYTES, result.name)
    await work.ffmpeg().run(arguments, work.tell, seconds=length)
    return (result,)


async def _loop_audio(work: Work) -> tuple[Value, ...]:
    audio = work.file("audio")
    measured = await work.sound(audio)
    length = loop_seconds(work, await work.seconds(audio, "a"))
    form = form_of(audio, measured)
    steps, again = (HEARD, *writable(form, measured)), ("-stream_loop", "-1")
    parts = work.folder / "parts"
    parts.mkdir()
    try:
        turn = File(await sound_turn(work, audio, measured, parts), audio.name)
        return (await written_sound(work, turn, measured, f"loop_audio.{form}", length, steps, again=again),)
    finally:
        shutil.rmtree(parts, ignore_errors=True)


async def _normalize(work: Work) -> tuple[Value, ...]:
    audio = work.file("audio")
    measured = await work.sound(audio)
    length = await work.seconds(audio, "a")
    form = form_of(audio, measured)
    mixed = writable(form, measured)
    steps = (HEARD, *mixed, await _levelled(work, audio, measured.sample_rate or _USUAL_RATE, mixed))
    return (await written_sound(work, audio, measured, f"normalize.{form}", length, steps),)


async def _normalize_video(work: Work) -> tuple[Value, ...]:
    video = work.file("video")
    await work.sound(video)
    film = await film_of(work, video)
    levelled = await _levelled(work, video, _USUAL_RATE)
    result = work.made("normalize_video.mp4", "video/mp4")
    picture: tuple[str, ...] = ("-map", "0:v:0", "-c:v", "copy")
    if not is_ready(film.measured, video):
        picture = ("-filter_complex", film.encoded(), "-map", "[v]", *MP4_PICTURE)
    sound = ("-map", "0:a:0", "-af", f"{HEARD},{levelled}", *MP4_SOUND)
    arguments = (*film.source(), *picture, *sound, *MP4_FILE, result.name)
    await work.ffmpeg().run(arguments, work.tell, seconds=film.seconds)
    return (result,)


async def _levelled(work: Work, file: File, rate: int, mixed: Sequence[str] = ()) -> str:
    """The filter that brings a sound to its loudness, by what a first pass has measured.

    It turns the whole sound up or down by one amount, unless the loudest moments would then be above `peak`.
    """
    wanted = f"I={work.number('loudness'):g}:TP={work.number('peak'):g}"
    steps = (HEARD, *mixed, f"loudnorm={wanted}:LRA=50:print_format=json")
    first = ("-af", ",".join(steps), "-f", "null", "-")
    said = await work.ffmpeg().ask(
        ("-hide_banner", "-nostdin", "-nostats", *source(file.path), "-map", "0:a:0", *first)
    )
    found = _MEASURED.search(said)
    if found is None:
        raise Crashed(work.place, f"{work.place}: the loudness of {file.name!r} cannot be measured")
    facts = json.loads(found.group())
    loudness, peak = float(facts["input_i"]), float(facts["input_tp"])
    if not math.isfinite(loudness) or loudness <= _SILENT:
        if not math.isfinite(peak) or peak <= _SILENT:
            work.warn(f"{file.name!r} is silent; it stays as it is")
            return "anull"
        # under 0.4 s there is no loudness by the standard; the peak is what can be brought to its level
        return f"volume={work.number('peak') - peak:.2f}dB"
    known = (
        f"measured_I={loudness}:measured_TP={peak}:measured_LRA={facts['input_lra']}"
        f":measured_thresh={facts['input_thresh']}:offset={facts['target_offset']}"
    )
    # loudnorm may give a second in one piece, which FLAC does not take
    return f"loudnorm={wanted}:LRA=50:{known}:linear=true,aresample={rate},asetnsamples=n=4096:p=0"


async def _waveform(work: Work) -> tuple[Value, ...]:
    audio, line, background = work.file("audio"), colour(work, "color"), colour(work, "background")
    single = ",".join((HEARD, *mixed_to(1, await work.sound(audio))))
    length = await work.seconds(audio, "a")
    width, height = chosen_size(work, *_SIZE)
    shape = f"showwavespic=s={width}x{height}:colors={_hex(line)}:filter=peak:draw=full"
    below = f"color=c={_hex(background)}:s={width}x{height}:d=1,format=rgba[below]"
    graph = (
        f"{below};[0:a:0]{single},{shape},format=rgba[above];"
        "[below][above]overlay=format=rgb:alpha=straight,trim=end_frame=1[v]"
    )
    result = work.made("waveform.png", "image/png")
    picture = ("-frames:v", "1", "-c:v", "png", "-pix_fmt", "rgba" if background[3] < 255 else "rgb24")  # noqa: PLR2004
    arguments = (*source(audio.path), "-filter_complex", graph, "-map", "[v]", *picture, *SAME_BYTES)
    await work.ffmpeg().run(
        (*arguments, "-f", "image2", "-update", "1", result.name), work.tell, seconds=length
    )
    return (result,)


async def _waveform_video(work: Work) -> tuple[Value, ...]:
    audio, line, background = work.file("audio"), colour(work, "color"), colour(work, "background")
    single = ",".join(("anull", *mixed_to(1, await work.sound(audio))))
    length = await work.seconds(audio, "a")
    width, height = chosen_size(work, 1280, 720)
    rate = int(work.number("fps"))
    size = f"s={width}x{height}"
    waves = f"showwaves={size}:mode=cline:rate={rate}:colors={_hex(line)}:draw=full"
    graph = (
        f"color=c={_hex(background)}:{size}:r={rate}:d={stamp(length)}[below];"
        f"[0:a:0]{HEARD},asplit[heard][seen];[seen]{single},{waves},format=rgba[above];"
        f"[below][above]overlay=format=auto:eof_action=repeat,trim=end={stamp(length)},format=yuv420p[v]"
    )
    result = work.made("waveform_video.mp4", "video/mp4")
    tracks = ("-map", "[v]", *MP4_PICTURE, "-map", "[heard]", *MP4_SOUND)
    arguments = (*source(audio.path), "-filter_complex", graph, *tracks, *MP4_FILE, result.name)
    await work.ffmpeg().run(arguments, work.tell, seconds=length)
    return (result,)


def _hex(one: Colour) -> str:
    red, green, blue, alpha = one
    return f"0x{red:02x}{green:02x}{blue:02x}{alpha:02x}"


_LEVEL = (
    number("loudness", "Loudness of the whole in LUFS; -14 for platforms, -23 for broadcasts", -16, -60, -5),
    number("peak", "The loudest moment at most, in dB below full scale", -1.5, -9, 0),
)
_DRAWN = (
    option("color", Kind.TEXT, "Colour of the sound", "#3b82f6"),
    option("background", Kind.TEXT, "Colour behind it", "black"),
)
SILENCE = operation(
    "silence",
    "Make a silence, such as a pause between two sentences.",
    (
        number("seconds", "How long it is", 1, 0.01, 3600),
        choice("format", "Format", *SOUND_FORMATS),
        number("rate", "Samples a second", 48_000, 8000, 96_000, whole=True),
        number("channels", "1 mono, 2 stereo", 2, 1, 2, whole=True),
    ),
    Kind.AUDIO,
    _silence,
)
LOOP_AUDIO = operation(
    "loop_audio",
    "Repeat a sound until it is as long as asked for, or so many times.",
    (needs("audio", Kind.AUDIO, "Sound"), *LOOPED),
    Kind.AUDIO,
    _loop_audio,
)
NORMALIZE = operation(
    "normalize",
    "Bring a sound to a loudness, as EBU R128 measures it.",
    (needs("audio", Kind.AUDIO, "Sound"), *_LEVEL),
    Kind.AUDIO,
    _normalize,
)
NORMALIZE_VIDEO = operation(
    "normalize_video",
    "Bring the sound of a video to a loudness, as EBU R128 measures it.",
    (needs("video", Kind.VIDEO, "Video"), *_LEVEL),
    Kind.VIDEO,
    _normalize_video,
)
WAVEFORM = operation(
    "waveform",
    "Draw a whole sound as a picture.",
    (
        needs("audio", Kind.AUDIO, "Sound"),
        option("size", Kind.TEXT, "Like 1280x720; 1200x300 if left out"),
        *_DRAWN,
    ),
    Kind.IMAGE,
    _waveform,
)
WAVEFORM_VIDEO = operation(
    "waveform_video",
    "Make a video of a sound that shows it as it is heard.",
    (
        needs("audio", Kind.AUDIO, "Sound"),
        option("size", Kind.TEXT, "Like 1280x720; that if left out"),
        number("fps", "Frames a second", 30, 1, 60, whole=True),
        *_DRAWN,
    ),
    Kind.VIDEO,
    _waveform_video,
)
SOUNDS: tuple[Operation, ...] = (SILENCE, LOOP_AUDIO, NORMALIZE, NORMALIZE_VIDEO, WAVEFORM, WAVEFORM_VIDEO)
