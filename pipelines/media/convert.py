"""The same video or sound in another format or size."""

from pipelines.media.coding import (
    HEARD,
    LARGEST,
    MP4_FILE,
    MP4_PICTURE,
    SMALLEST,
    SOUND_FORMATS,
    even,
    evened,
    framed,
    mixed_to,
)
from pipelines.media.cut import writable, written_sound
from pipelines.media.film import film_of
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.media.pictures import colour
from pipelines.programs.ffmpeg import SAME_BYTES
from spaces_registry.signature import Kind, Value

_WEBM = (
    *("-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-deadline", "good", "-cpu-used", "5", "-row-mt", "1"),
)
_WEBM_SOUND = ("-c:a", "libopus", "-b:a", "128k")
_OPUS_LAYOUTS = (
    "mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"  # those that it knows; of its kin 5.1(side) it does not
)


async def _convert_audio(work: Work) -> tuple[Value, ...]:
    audio, form = work.file("audio"), work.word("format")
    measured = await work.sound(audio)
    length = await work.seconds(audio, "a")
    rate, channels = work.maybe("rate"), work.maybe("channels")
    mixed = mixed_to(int(channels), measured) if channels else writable(form, measured)
    options = (*(("-ar", f"{rate:.0f}") if rate else ()), *(("-ac", f"{channels:.0f}") if channels else ()))
    steps = (HEARD, *mixed)
    return (
        await written_sound(work, audio, measured, f"convert_audio.{form}", length, steps, options=options),
    )


async def _convert_video(work: Work) -> tuple[Value, ...]:
    form = work.word("format")
    film = await film_of(work, work.file("video"))
    result = work.made(f"convert_video.{form}", f"video/{form}")
    if form == "mp4":
        graph = film.encoded()
        written: tuple[str, ...] = (*MP4_PICTURE, *film.tracks(), *MP4_FILE)
    else:
        graph = f"{film.picture(over=None)},{evened()}[v]"
        alpha = ("-pix_fmt", "yuva420p", "-auto-alt-ref", "0")
        pixels = alpha if film.measured.alpha else ("-pix_fmt", "yuv420p")
        sound = film.tracks(_WEBM_SOUND, _OPUS_LAYOUTS)
        written = (*_WEBM, *pixels, *sound, *SAME_BYTES, "-f", "webm")
    arguments = (*film.source(), "-filter_complex", graph, "-map", "[v]", *written)
    await work.ffmpeg().run((*arguments, result.name), work.tell, seconds=film.seconds)
    return (result,)


async def _resize_video(work: Work) -> tuple[Value, ...]:
    fit, width, height = work.word("fit"), work.maybe("width"), work.maybe("height")
    if width is None and height is None:
        raise work.refuse("neither width nor height is given", hint="give one, or both")
    film = await film_of(work, work.file("video"))
    shape = film.size[0] / film.size[1]
    wide, high = even(width or (height or 0) * shape), even(height or (width or 0) / shape)
    if max(wide, high) > LARGEST:
        raise work.refuse(f"{wide}x{high} pixels are too many", hint=f"each side takes at most {LARGEST}")
    background = "0x{:02x}{:02x}{:02x}".format(*colour(work, "background")[:3])
    frames = framed(wide, high, fit if width and height else "stretch", background)
    result = work.made("resize_video.mp4", "video/mp4")
    graph = f"{film.picture(over=background)},{frames}[v]"
    arguments = (*film.source(), "-filter_complex", graph, "-map", "[v]", *MP4_PICTURE, *film.tracks())
    await work.ffmpeg().run((*arguments, *MP4_FILE, result.name), work.tell, seconds=film.seconds)
    return (result,)


async def _gif(work: Work) -> tuple[Value, ...]:
    film = await film_of(work, work.file("video"))
    width = min(int(work.number("width")), film.size[0])
    result = work.made("gif.gif", "image/gif")
    small = f"scale={width}:-1:flags=lanczos+accurate_rnd,setsar=1"
    # of all frames whole: by what differs from one to the next, colours that only the last one has are lost
    palette = (
        "split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=sierra2_4a:diff_mode=rectangle"
    )
    repeat = "0" if work.flag("loop") else "-1"
    graph = f"{film.picture(rate=work.number('fps'), over=None, until=film.shown)},{small},{palette}"
    arguments = (*film.source(), "-filter_complex", graph, "-loop", repeat, *SAME_BYTES, result.name)
    await work.ffmpeg().run(arguments, work.tell, seconds=film.shown)
    return (result,)


CONVERT_AUDIO = operation(
    "convert_audio",
    "Write a sound in another format.",
    (
        needs("audio", Kind.AUDIO, "Sound"),
        choice("format", "Format", *SOUND_FORMATS),
        number("rate", "Samples a second, e.g. 16000; as it is if left out", None, 8000, 96_000, whole=True),
        number("channels", "1 mono, 2 stereo; as it is if left out", None, 1, 2, whole=True),
    ),
    Kind.AUDIO,
    _convert_audio,
)
CONVERT_VIDEO = operation(
    "convert_video",
    "Write a video in another format.",
    (needs("video", Kind.VIDEO, "Video"), choice("format", "H.264 and AAC, or VP9 and Opus", "mp4", "webm")),
    Kind.VIDEO,
    _convert_video,
)
RESIZE_VIDEO = operation(
    "resize_video",
    "Bring a video to another size.",
    (
        needs("video", Kind.VIDEO, "Video"),
        number("width", "Pixels; follows the height if left out", None, SMALLEST, LARGEST, whole=True),
        number("height", "Pixels; follows the width if left out", None, SMALLEST, LARGEST, whole=True),
        choice("fit", "Bars, cropping or distortion where the shapes differ", "contain", "cover", "stretch"),
        option("background", Kind.TEXT, "Colour of the bars, and behind transparency", "black"),
    ),
    Kind.VIDEO,
    _resize_video,
)
GIF = operation(
    "gif",
    "Make an animated GIF of a video.",
    (
        needs("video", Kind.VIDEO, "Video"),
        number("width", "Pixels; never more than the video has", 480, SMALLEST, 1920, whole=True),
        number("fps", "Frames a second", 12, 1, 50),
        option("loop", Kind.BOOLEAN, "Whether it repeats for ever", default=True),
    ),
    Kind.IMAGE,
    _gif,
)
CONVERTING: tuple[Operation, ...] = (CONVERT_AUDIO, CONVERT_VIDEO, RESIZE_VIDEO, GIF)
