"""In which format, and with how many bits a sample, a sound is written: as it came, where that can be."""

from pipelines.artifacts.filetypes import filetype_of
from pipelines.artifacts.measures import Measures
from pipelines.media.coding import SOUND_FORMATS
from pipelines.media.operation import Work
from spaces_registry.signature import File

ALAC = "alac"  # a form beside `SOUND_FORMATS`: nobody asks for it, but what is ALAC stays ALAC
_LOSSLESS = frozenset({"flac", "alac", "wavpack", "ape", "tta", "truehd", "mlp", "wmalossless", "shorten"})
_NO_DEPTH = ("pcm_mulaw", "pcm_alaw", "pcm_vidc")  # eight bits that stand for more than eight
_WAV = {"24": "pcm_s24le", "s32": "pcm_s32le", "flt": "pcm_f32le", "dbl": "pcm_f64le"}
_IPOD = ("-f", "ipod", "-movflags", "+faststart")


def form_of(file: File, measured: Measures) -> str:
    """The format that a sound stays in, or the nearest that can be written and loses as little."""
    if measured.audio_codec == "alac":
        return ALAC
    form = filetype_of(file.path).extension.lstrip(".")
    if form in SOUND_FORMATS:
        return form
    if measured.audio_codec == "flac":
        return "flac"
    return "wav" if _is_lossless(measured) else "m4a"


def written_as(work: Work, file: File, measured: Measures, form: str) -> tuple[str, str, tuple[str, ...]]:
    """How a sound is written in a format: extension, media type and encoder.

    A warning says what the format cannot hold; of MP3, Ogg and AAC, which have no depth, nothing is said.
    """
    depth = _depth(measured)
    if form == ALAC:
        layout = "s16p" if depth == "s16" else "s32p"
        return "m4a", "audio/mp4", ("-c:a", "alac", "-sample_fmt", layout, *_IPOD)
    mime, encoder = SOUND_FORMATS[form]
    if form == "wav":
        return form, mime, ("-c:a", _WAV[depth]) if depth in _WAV else encoder
    if form == "flac" and depth is not None:
        if depth not in {"s16", "24"}:
            work.warn(f"{file.name!r} has more than 24 bits a sample, of which FLAC holds 24")
        return form, mime, (*encoder, "-sample_fmt", "s16" if depth == "s16" else "s32")
    return form, mime, encoder


def _is_lossless(measured: Measures) -> bool:
    codec = measured.audio_codec or ""
    return (codec.startswith("pcm_") and not codec.startswith(_NO_DEPTH)) or codec in _LOSSLESS


def _depth(measured: Measures) -> str | None:
    """What holds a sample: `s16`, `24`, `s32`, `flt` or `dbl`; None where the codec has no depth."""
    if not _is_lossless(measured):
        return None
    return "s16" if measured.sample_format in {None, "u8"} else measured.sample_format
