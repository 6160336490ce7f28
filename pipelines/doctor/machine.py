"""This machine: Python, the libraries, ffmpeg, Pillow."""

import platform
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.doctor.finding import Finding
from pipelines.programs.ffmpeg import Ffmpeg, MediaNotInstalled, NoSuchFfmpeg, find_ffmpeg
from spaces_registry.errors import ToolkitError

_NEEDED = ("anyio", "gradio_client", "httpx2", "huggingface_hub", "pydantic", "pyyaml", "rich", "typer")
_EXTRAS = ("gradio", "pillow", "imageio-ffmpeg", "numpy")
_ENCODERS = {"h264": ("libx264", "libopenh264", "h264_videotoolbox"), "aac": ("aac",)}
_MEDIA = 'pip install "spacechain[media]"'


def versions() -> Iterator[Finding]:
    """Python and the libraries that this stands on."""
    python = platform.python_version()
    ours = _version("spacechain") or "not installed"
    told = f"spacechain {ours} on Python {python} ({platform.system()} {platform.machine()})"
    facts = {"spacechain": ours, "python": python, "system": platform.system(), "executable": sys.executable}
    yield Finding("python", "ok", told, facts=facts)
    found = {name: _version(name) for name in (*_NEEDED, *_EXTRAS)}
    missing = [name for name in _NEEDED if found[name] is None]
    told = ", ".join(f"{name} {one}" for name, one in found.items() if one is not None)
    if missing:
        hint = "pip install --force-reinstall spacechain"
        yield Finding("libraries", "fail", f"not installed: {', '.join(missing)}", hint, facts=found)
    else:
        yield Finding("libraries", "ok", told, facts=found)


def pillow() -> Finding:
    """Whether pictures can be worked on."""
    try:
        from PIL import __version__ as pillow_version  # noqa: PLC0415 - an extra
        from PIL import features  # noqa: PLC0415
    except ImportError:
        told = "Pillow is not installed: pictures cannot be resized, cropped or drawn on"
        return Finding("pillow", "warn", told, _MEDIA)
    lacks = [one for one in ("jpg", "webp", "freetype2") if not features.check(one)]
    if lacks:
        told = f"Pillow {pillow_version} was built without {', '.join(lacks)}"
        return Finding("pillow", "warn", told, f"{_MEDIA} brings one that has it")
    return Finding("pillow", "ok", f"Pillow {pillow_version}", facts={"version": pillow_version})


async def ffmpeg(environ: Mapping[str, str]) -> Finding:
    """Which ffmpeg is run, and whether it can make what everybody can play."""
    try:
        program = find_ffmpeg(environ)
    except NoSuchFfmpeg as failure:
        return Finding("ffmpeg", "fail", failure.message, failure.hint)
    except MediaNotInstalled:
        return Finding(
            "ffmpeg", "warn", "there is no ffmpeg: films cannot be joined, cut or converted", _MEDIA
        )
    asked = Ffmpeg(program, Path(), "doctor", {})
    try:
        said = await asked.ask(["-version"])
        encoders = await asked.ask(["-encoders"])
    except ToolkitError as failure:
        return Finding("ffmpeg", "fail", f"{program} does not run: {failure.message}", failure.hint or _MEDIA)
    told = re.search(r"ffmpeg version (\S+)", said)
    if told is None:
        hint = "name another one in SPACECHAIN_FFMPEG, or leave that out"
        return Finding("ffmpeg", "fail", f"{program} says nothing that ffmpeg would", hint)
    lacks = [name for name, those in _ENCODERS.items() if not any(f" {one} " in encoders for one in those)]
    facts = {"path": str(program), "version": told[1], "missing": lacks}
    whose = f"ffmpeg {told[1]} ({program})"
    if lacks:
        hint = f"{_MEDIA} brings one that can; SPACECHAIN_FFMPEG must not name another"
        return Finding("ffmpeg", "fail", f"{whose} cannot encode {' and '.join(lacks)}", hint, facts=facts)
    return Finding("ffmpeg", "ok", f"{whose}, with h264 and aac", facts=facts)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
