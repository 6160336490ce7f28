"""What the emulated vendors make: pictures, films and speech that follow from what they were asked."""

import base64
import hashlib
import io
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

CELLS = 4  # a picture is a board of that many coloured cells a side


def picture(prompt: str, width: int = 1024, height: int = 1024) -> Image.Image:
    """The one picture that every vendor paints for a prompt and a size."""
    colours = hashlib.shake_256(prompt.encode()).digest(CELLS * CELLS * 3)
    board = Image.frombytes("RGB", (CELLS, CELLS), colours)
    return board.resize((width, height), Image.Resampling.NEAREST)


def repainted(source: bytes, prompt: str) -> Image.Image:
    """The one picture that every vendor makes of a picture and a prompt; it has the picture's size."""
    with Image.open(io.BytesIO(source)) as opened:
        width, height = opened.size
    return picture(f"{prompt} over {pixels(source)}", width, height)


def pixels(data: bytes) -> str:
    """SHA-256 of what an image file shows; the same for every format that keeps pixels as they are."""
    with Image.open(io.BytesIO(data)) as opened:
        shown = opened.convert("RGB")
    return hashlib.sha256(f"{shown.size}".encode() + shown.tobytes()).hexdigest()


def encoded(image: Image.Image, form: str = "png") -> bytes:
    """The image as a file: `png`, `webp` (pixels kept), `jpeg`."""
    data = io.BytesIO()
    options = {"png": {"compress_level": 1}, "webp": {"lossless": True, "method": 0}, "jpeg": {}}[form]
    image.save(data, form.upper(), **options)
    return data.getvalue()


def b64(data: bytes) -> str:
    """Base64 without a `data:` prefix."""
    return base64.b64encode(data).decode()


def data_uri(data: bytes, mime: str) -> str:
    """The bytes as a `data:` URI."""
    return f"data:{mime};base64,{b64(data)}"


def from_data_uri(text: str) -> bytes:
    """The bytes of a `data:` URI.

    Raises:
        ValueError: it is none.
    """
    head, comma, body = text.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64") and comma):
        raise ValueError("not a data URI")
    return base64.b64decode(body, validate=True)


@cache
def film() -> bytes:
    """A real video of half a second."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "film.mp4"
        source = ("-f", "lavfi", "-i", "testsrc=size=64x64:rate=8:duration=0.5")
        command = (imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, "-pix_fmt", "yuv420p", target)
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return target.read_bytes()


@cache
def speech(text: str) -> bytes:
    """A quarter of a second of sound, as WAV, of a pitch that follows from the text."""
    half_period = 20 + hashlib.sha256(text.encode()).digest()[0] % 40
    samples = bytes(160 if (n // half_period) % 2 else 96 for n in range(4000))
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(16000)
        sound.writeframes(samples)
    return data.getvalue()
