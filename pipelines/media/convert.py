"""The same video or sound in another format or size."""

from pipelines.media.coding import (
    LARGEST,
    MP4_FILE,
    MP4_PICTURE,
    MP4_SOUND,
    SMALLEST,
    SOUND_FORMATS,
    even,
    evened,
    frame_rate,
    framed,
)
from pipelines.media.cut import written_sound
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.media.pictures import colour
from pipelines.programs.ffmpeg import SAME_BYTES, source
from spaces_registry.signature import Kind, Value

_WEBM = (
    *("-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-deadline", "good", "-cpu-used", "5", "-row-mt", "1"),
    *("-pix_fmt", "yuv420p"),
)
_WEBM_SOUND = ("-c:a", "libopus", "-b:a", "128k")


async def _convert_audio(work: Work) -> tuple[Value, ...]:
    audio, form = work.file("audio"), work.word("format")
    await work.sound(audio)
    length = await work.seconds(audio, "a")
    rate, channels = work.maybe("rate"), work.maybe("channels")
    options = (*(("-ar", f"{rate:.0f}") if rate else ()), *(("-ac", f"{channels:.0f}") if channels else ()))
    return (await written_sound(work, audio, "convert_audio", form, length, *options),)


async def _convert_video(work: Work) -> tuple[Value, ...]:
    video, form = work.file("video"), work.word("format")
    measured = await work.picture(video)
    length = await work.seconds(video, "v")
    picture, sound, file = (
        (MP4_PICTURE, MP4_SOUND, MP4_FILE)
        if form == "mp4"
        else (_WEBM, _WEBM_SOUND, (*SAME_BYTES, "-f", "webm"))
    )
    result = work.made(f"convert_video.{form}", f"video/{form}")
    graph = f"[0:v:0]fps={frame_rate(measured)},{evened()}[v]"
    tracks = ("-map", "0:a:0", *sound) if measured.has_audio else ()
    arguments = (*source(video.path), "-filter_complex", graph, "-map", "[v]", *picture, *tracks, *file)
    await work.ffmpeg().run((*arguments, result.name), work.tell, seconds=length)
    return (result,)


async def _resize_video(work: Work) -> tuple[Value, ...]:
    video, fit = work.file("video"), work.word("fit")
    measured = await work.picture(video)
    width, height = work.maybe("width"), work.maybe("height")
    if width is None and height is None:
        raise work.refuse("neither width nor height is given", hint="give one, or both")
    length = await work.seconds(video, "v")
    shape = (measured.width or 1) / (measured.height or 1)
    wide, high = even(width or (height or 0) * shape), even(height or (width or 0) / shape)
    if max(wide, high) > LARGEST:
        raise work.refuse(f"{wide}x{high} pixels are too many", hint=f"each side takes at most {LARGEST}")
    red, green, blue, _ = colour(work, "background")
    frames = framed(wide, high, fit if width and height else "stretch", f"0x{red:02x}{green:02x}{blue:02x}")
    result = work.made("resize_video.mp4", "video/mp4")
    graph = f"[0:v:0]fps={frame_rate(measured)},{frames}[v]"
    tracks = ("-map", "0:a:0", *MP4_SOUND) if measured.has_audio else ()
    arguments = (
        *source(video.path),
        "-filter_complex",
        graph,
        "-map",
        "[v]",
        *MP4_PICTURE,
        *tracks,
        *MP4_FILE,
    )
    await work.ffmpeg().run((*arguments, result.name), work.tell, seconds=length)
    return (result,)


async def _gif(work: Work) -> tuple[Value, ...]:
    video = work.file("video")
    measured = await work.picture(video)
    length = await work.seconds(video, "v")
    width = min(int(work.number("width")), measured.width or LARGEST)
    result = work.made("gif.gif", "image/gif")
    small = f"fps={work.number('fps'):g},scale={width}:-1:flags=lanczos+accurate_rnd,setsar=1"
    # of all frames whole: by what differs from one to the next, colours that only the last one has are lost
    palette = (
        "split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=sierra2_4a:diff_mode=rectangle"
    )
    repeat = "0" if work.flag("loop") else "-1"
    arguments = (
        *source(video.path),
        "-filter_complex",
        f"[0:v:0]{small},{palette}",
        "-loop",
        repeat,
        *SAME_BYTES,
    )
    await work.ffmpeg().run((*arguments, result.name), work.tell, seconds=length)
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
        option("background", Kind.TEXT, "Colour of the bars", "black"),
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
