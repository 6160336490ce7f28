"""A small neural voice, and what the words of a description do to it."""

import re
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hibari import Hibari

Sound: TypeAlias = npt.NDArray[np.float32]
Tell: TypeAlias = Callable[[int, int, str], None]

RATE_HZ = 24_000
_LONGEST_CHUNK = 280  # characters; the model drifts on longer ones
_SENTENCE_REST_S, _PARAGRAPH_REST_S = 0.18, 0.5
_LOUDNESS_RMS, _PEAK = 0.09, 0.97

# words of a description → (factor on pace, factor on pitch); those that match multiply
_MANNERS: tuple[tuple[str, float, float], ...] = (
    (r"very slow\w*|drawl\w*", 0.72, 1.0),
    (r"slow\w*|calm\w*|solemn|sleepy|soothing|measured|meditat\w*|unhurried", 0.86, 1.0),
    (r"fast\w*|quick\w*|rapid\w*|excited|energetic|hurried|lively|brisk", 1.2, 1.02),
    (r"very deep|booming|giant|bass", 0.95, 0.76),
    (r"deep\w*|low|baritone|gravelly|husky", 1.0, 0.84),
    (r"man|male|masculine|father|narrator|gentleman|boyish", 1.0, 0.86),
    (r"old|elderly|aged|weathered|grand(?:mother|father|ma|pa)", 0.9, 0.93),
    (r"high|bright|cheerful|squeaky|sweet", 1.03, 1.1),
    (r"child\w*|kid|boy|little girl|fairy|tiny", 1.04, 1.2),
)
_WHISPER = r"whisper\w*|breathy|hushed|secretive"


class NothingToSay(ValueError):
    """The text has no words that can be spoken; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak: factors on the voice's own pace and pitch, and whether to whisper."""

    pace: float = 1.0
    pitch: float = 1.0
    whisper: bool = False


def manner_of(description: str) -> Manner:
    """Read a voice description; words that mean nothing here change nothing."""
    pace = pitch = 1.0
    for words, faster, higher in _MANNERS:
        if re.search(rf"\b(?:{words})\b", description, re.IGNORECASE):
            pace, pitch = pace * faster, pitch * higher
    whisper = re.search(rf"\b(?:{_WHISPER})\b", description, re.IGNORECASE) is not None
    return Manner(min(max(pace, 0.65), 1.45), min(max(pitch, 0.74), 1.3), whisper)


@dataclass(frozen=True)
class Voice:
    """Speaks English; the model is loaded at the first sentence."""

    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def _model(self) -> "Hibari":
        from hibari import Hibari  # noqa: PLC0415 - half a second that the start of the app need not take

        return Hibari()

    def speak(self, text: str, description: str, file: Path, tell: Tell) -> None:
        """Write the spoken text as 16-bit mono WAV of 24 kHz; the same words give the same bytes.

        Args:
            text: English prose of any length.
            description: of the voice, e.g. `a deep, slow man's voice`.
            file: is written.
            tell: hears sentences done, sentences in all, and what comes next.

        Raises:
            NothingToSay: the text is empty or has nothing that can be spoken.
        """
        chunks = [(chunk, rest_s) for chunk, rest_s in chunks_of(text) if re.search(r"\w", chunk)]
        if not chunks:
            raise NothingToSay("There is no text to speak: write at least one word.")
        manner = manner_of(description)
        parts: list[Sound] = []
        for done, (chunk, rest_s) in enumerate(chunks):
            tell(done, len(chunks), "speaking")
            sound = self._say(chunk, manner)
            if sound.size:
                parts += [sound, np.zeros(round(rest_s * RATE_HZ), np.float32)]
        if not parts:
            raise NothingToSay("The studio's voice cannot read this text: it speaks English only.")
        tell(len(chunks), len(chunks), "speaking")
        _write(file, _level(np.concatenate(parts)))

    def _say(self, chunk: str, manner: Manner) -> Sound:
        """One sentence. Pitch is moved by stretching; the model speaks faster by as much as that slows it."""
        with self._one_at_a_time:
            sound: Sound = self._model(chunk, speed=manner.pace / manner.pitch, seed=0)
        if manner.whisper:
            sound = whispered(sound)
        if manner.pitch == 1.0 or not sound.size:
            return sound
        places = np.arange(0, len(sound) - 1, manner.pitch)
        return np.asarray(np.interp(places, np.arange(len(sound)), sound), np.float32)


def chunks_of(text: str) -> Iterator[tuple[str, float]]:
    """Split prose into what is spoken in one breath: (text, seconds of silence after it)."""
    paragraphs = [line.strip() for line in text.split("\n")]
    for paragraph in [one for one in paragraphs if one] or [""]:
        sentences = re.split(r"(?<=[.!?…;])[\"\u201d\u2019)\]]*\s+(?=\S)", paragraph)
        pieces = [piece for sentence in sentences for piece in _short(sentence)]
        for place, piece in enumerate(pieces, start=1):
            yield piece, _PARAGRAPH_REST_S if place == len(pieces) else _SENTENCE_REST_S


def _short(sentence: str) -> Iterator[str]:
    """A sentence, cut at commas or at least between words where it is too long to be spoken at once."""
    while len(sentence) > _LONGEST_CHUNK:
        head = sentence[:_LONGEST_CHUNK]
        cut = max(head.rfind(mark) + 1 for mark in ",:\u2013\u2014")
        cut = cut or head.rfind(" ") + 1 or _LONGEST_CHUNK
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence


def whispered(sound: Sound) -> Sound:
    """The same speech without a vocal tone: its spectral envelope, driven by noise."""
    window_len, hop, kept = 960, 240, 42  # 40 ms, 10 ms; cepstrum below the pitch of any voice
    if len(sound) < window_len:
        return sound
    window = np.hanning(window_len).astype(np.float32)
    padded = np.pad(sound, (window_len, window_len + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window_len)[::hop] * window
    size = np.log(np.abs(np.fft.rfft(frames, axis=1)) + 1e-4)
    cepstrum = np.fft.irfft(size, axis=1)
    cepstrum[:, kept:-kept] = 0.0
    envelope = np.exp(np.fft.rfft(cepstrum, axis=1).real)
    noise = np.random.default_rng(0).standard_normal(len(padded)).astype(np.float32)
    driven = np.lib.stride_tricks.sliding_window_view(noise, window_len)[::hop] * window
    hz = np.fft.rfftfreq(window_len, 1 / RATE_HZ)
    tilt = np.clip(hz / 900.0, 0.12, 1.6) * envelope  # a whisper has little below its first formant
    made = np.fft.irfft(np.fft.rfft(driven, axis=1) * tilt, axis=1) * window
    whole = np.zeros(len(padded), np.float64)
    for index, frame in enumerate(made):
        whole[index * hop : index * hop + window_len] += frame
    return whole[window_len : window_len + len(sound)].astype(np.float32)


def _level(sound: Sound) -> Sound:
    """Bring speech to one loudness, whatever was done to it, without clipping."""
    voiced = sound[np.abs(sound) > 1e-3 * float(np.abs(sound).max())]
    gain = _LOUDNESS_RMS / max(float(np.sqrt(np.mean(np.square(voiced)))), 1e-6)
    loud = sound * gain
    over = np.maximum(np.abs(loud) - _PEAK * 0.7, 0.0)  # a soft knee over the top third
    return np.asarray(
        np.sign(loud) * (np.minimum(np.abs(loud), _PEAK * 0.7) + np.tanh(over / 0.3) * 0.28), np.float32
    )


def _write(file: Path, sound: Sound) -> None:
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes((np.clip(sound, -1.0, 1.0) * 32767).astype("<i2").tobytes())
