"""The same calls through our App and through `gradio_client`: what to call, whether the answers agree."""

import subprocess
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from gradio_client import Client, handle_file
from PIL import Image

from spaces_registry import Endpoint, File, Kind, Parameter, Value


@dataclass(frozen=True, slots=True)
class Media:
    """One real file of every sort."""

    picture: File
    sound: File
    clip: File
    text: File
    mask: File


def make_media(folder: Path) -> Media:
    """Write the files into a folder."""
    names = ("a b.png", "tone.wav", "clip.mp4", "note.txt", "mask.png")
    picture, sound, clip, text, mask = (folder / name for name in names)
    Image.linear_gradient("L").convert("RGB").save(picture)
    with wave.open(str(sound), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(range(256)) * 30)
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    source = ["-f", "lavfi", "-i", "testsrc=duration=0.4:size=64x64:rate=5", "-pix_fmt", "yuv420p"]
    subprocess.run([ffmpeg, "-loglevel", "error", *source, str(clip)], check=True)
    text.write_text("plain words\n", encoding="utf-8")
    sheet = Image.new("RGBA", (256, 256))
    sheet.paste((255, 255, 255, 255), (10, 10, 30, 30))
    sheet.save(mask)
    return Media(
        File(picture, picture.name, "image/png"),
        File(sound, sound.name, "audio/wav"),
        File(clip, clip.name, "video/mp4"),
        File(text, text.name, "text/plain"),
        File(mask, mask.name, "image/png"),
    )


def captioned(file: File, caption: str) -> File:
    """The file with a caption, for a gallery."""
    return File(file.path, file.name, file.mime, caption=caption)


Arguments = Callable[[Media], Mapping[str, Value]]
CASES: Mapping[str, tuple[str, Arguments]] = {
    "text": ("/text", lambda _: {"value": "words \u2028 and \x85 more 🦊"}),
    "long text": ("/text", lambda _: {"value": "a small red fox " * 25}),
    "number": ("/number", lambda _: {"value": 21}),
    "number by default": ("/number", lambda _: {}),
    "slider": ("/slider", lambda _: {"value": 12.5}),
    "dropdown": ("/dropdown", lambda _: {"value": "anime"}),
    "a value of one's own": ("/free", lambda _: {"value": "neither x nor y"}),
    "several choices": ("/several", lambda _: {"value": ["z", "x"]}),
    "radio": ("/radio", lambda _: {"value": "good"}),
    "checkbox": ("/checkbox", lambda _: {"value": True}),
    "checkbox group": ("/group", lambda _: {"value": ["c", "a"]}),
    "image": ("/image", lambda media: {"value": media.picture}),
    "audio": ("/audio", lambda media: {"value": media.sound}),
    "video": ("/video", lambda media: {"value": media.clip}),
    "file": ("/file", lambda media: {"value": media.text}),
    "several files": ("/files", lambda media: {"value": (media.text, media.picture, media.sound)}),
    "gallery": ("/gallery", lambda media: {"value": (captioned(media.picture, "first"), media.picture)}),
    "json": ("/json", lambda _: {"value": {"a": [1, 2.5, None, {"b": "c"}], "word": "x"}}),
    "state": ("/count", lambda _: {"step": 5}),
    "several outputs": ("/three", lambda media: {"text": "shout", "picture": media.picture}),
    "generator": ("/grow", lambda _: {"number": 6}),
    "nothing in, nothing out": ("/nothing", lambda _: {}),
}


def by_client(client: Client, endpoint: Endpoint, arguments: Mapping[str, Value]) -> Any:
    """The answer of `gradio_client` to the same call, handed over as its users write it."""
    given = {name: _written(endpoint.parameter(name), value) for name, value in arguments.items()}
    return client.predict(**given, api_name=endpoint.name)


def _written(parameter: Parameter | None, value: Value) -> Any:
    assert parameter is not None
    match value:
        case File() if parameter.kind is Kind.GALLERY:
            return {"image": handle_file(value.path), "caption": value.caption}
        case File() if parameter.wrapped:
            return {"video": handle_file(value.path), "subtitles": None}
        case File() if parameter.component == "Imageeditor":
            return {
                "background": handle_file(value.path),
                "layers": [],
                "composite": handle_file(value.path),
            }
        case File():
            return handle_file(value.path)
        case tuple():
            return [_written(parameter, one) for one in value]
    return value


def same(ours: tuple[Value, ...], theirs: Any) -> bool:
    """Whether both answers hold the same values, files compared by their bytes."""
    listed = () if not ours else (theirs,) if len(ours) == 1 else theirs
    return len(ours) == len(listed) and all(map(_equal, ours, listed))


_EDITED = ("background", "layers", "composite")


def _equal(our: Value, their: Any) -> bool:
    match our, their:
        case None, {"video": None} | {"background": None, "composite": None}:
            return True  # what the reference says for nothing
        case File(), str():
            return our.path.read_bytes() == Path(their).read_bytes()
        case File(), {"video": inner, "subtitles": subtitles}:
            return _equal(our, inner) and _equal(our.extra.get("subtitles"), subtitles)
        case File(), {"image": inner, "annotations": annotations}:
            return _equal(our, inner) and _equal(our.extra["annotations"], annotations)
        case File(), {"background": _, "layers": _, "composite": None} if our.extra["composite"]:
            # a picture without a composite is its background
            return _equal(our.extra["background"], their["background"]) and not their["layers"]
        case File(), {"background": _, "layers": _, "composite": inner}:
            return _equal(our, inner) and all(_equal(our.extra[one], their[one]) for one in _EDITED)
        case File(), {"image": inner, "caption": caption}:
            return our.caption == caption and _equal(our, inner)
        case dict(), dict():
            return our.keys() == their.keys() and all(_equal(our[name], their[name]) for name in their)
        case ((tuple() | list()), list()):
            return len(our) == len(their) and all(map(_equal, our, their))
    return not isinstance(our, File | tuple) and our == their and type(our) is type(their)
