"""The voice: audible speech of a plausible length, shaped by its description."""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

SENTENCE = "The keeper lit the lamp, and the sea fell silent."
Speak = Callable[..., Path]


@pytest.fixture(scope="module")
def speak(client_of: Callable[[str], Client]) -> Speak:
    """Have a text spoken."""

    def call(text: str = SENTENCE, description: str = "", language: str = "Auto") -> Path:
        client = client_of("Qwen/Qwen3-TTS")
        arguments = {"text": text, "language": language, "voice_description": description}
        return Path(client.predict(api_name="/generate_voice_design", **arguments))

    return call


def heard(file: Path) -> tuple[npt.NDArray[np.float64], int]:
    """Samples of -1 to 1, and how many there are a second."""
    with wave.open(str(file)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768, sound.getframerate()


def seconds(file: Path) -> float:
    """How long a sound is."""
    samples, rate = heard(file)
    return len(samples) / rate


def brightness_hz(file: Path) -> float:
    """Where the middle of a sound's spectrum is."""
    samples, rate = heard(file)
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float((power * np.fft.rfftfreq(len(samples), 1 / rate)).sum() / power.sum())


def test_a_sentence_is_heard(speak: Speak) -> None:
    """Speech has a level, rises and falls, and takes about a third of a second a word."""
    samples, rate = heard(speak())

    level = np.sqrt(np.square(samples[: len(samples) // 480 * 480].reshape(-1, 480)).mean(axis=1))
    assert 2 < len(samples) / rate < 6
    assert 0.03 < np.sqrt(np.square(samples).mean()) < 0.3
    assert np.abs(samples).max() < 1
    assert np.percentile(level, 90) > 10 * np.percentile(level, 5)


def test_twice_the_text_takes_twice_the_time(speak: Speak) -> None:
    """The length of a film is planned from the length of its narration."""
    assert seconds(speak(f"{SENTENCE} {SENTENCE}")) == pytest.approx(2 * seconds(speak()), rel=0.15)


def test_the_same_words_give_the_same_bytes(speak: Speak) -> None:
    """A repeated run must be recognised as the same result."""
    assert speak().read_bytes() == speak().read_bytes()


def test_slow_and_fast_are_heard(speak: Speak) -> None:
    """The description steers the pace."""
    assert seconds(speak(description="a very slow voice")) > 1.25 * seconds(speak(description="a fast voice"))


def test_a_deep_voice_is_deeper_than_a_high_one(speak: Speak) -> None:
    """The description steers the pitch."""
    assert brightness_hz(speak(description="a deep voice")) < 0.9 * brightness_hz(
        speak(description="a high voice")
    )


def test_a_whisper_has_no_tone(speak: Speak) -> None:
    """Without a vocal tone, little is left below 300 Hz."""

    def low_share(file: Path) -> float:
        samples, rate = heard(file)
        power = np.abs(np.fft.rfft(samples)) ** 2
        return float(power[np.fft.rfftfreq(len(samples), 1 / rate) < 300].sum() / power.sum())

    assert low_share(speak(description="whispering")) < 0.3 * low_share(speak())


@pytest.mark.parametrize("text", ["", "  \n ", "... --- !!!"])
def test_a_text_without_words_is_refused_in_words(text: str, speak: Speak) -> None:
    """An empty narration is a mistake upstream, not silence to be paid for."""
    with pytest.raises(AppError, match="at least one word"):
        speak(text)


def test_a_text_in_another_script_is_refused_in_words(speak: Speak) -> None:
    """The small voice reads English; it must not answer Chinese with silence."""
    with pytest.raises(AppError, match="English only"):
        speak("\u4f60\u597d\uff0c\u4e16\u754c")


def test_a_text_without_punctuation_is_spoken_to_its_end(speak: Speak) -> None:
    """The model takes only so much at once; the rest must not be lost."""
    assert seconds(speak("wave after wave " * 40)) > 8 * seconds(speak("wave after wave " * 4))
