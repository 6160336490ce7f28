"""A result that is none: too small, too short, blank, in the wrong words. It is made again, or elsewhere."""

import math
import random
import struct
import subprocess
import wave
from pathlib import Path

import pytest
from conftest import calls_of, story
from PIL import Image

from chains.model import Expect
from pipelines.artifacts import Artifact, Store
from pipelines.engine.expectations import verify
from pipelines.programs.ffmpeg import find_ffmpeg
from spaces_registry.errors import BadOutput
from spaces_registry.signature import File, Kind


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """Real files, good ones and empty ones."""
    folder = tmp_path_factory.mktemp("media")
    store = Store(folder / "store")
    Image.new("RGB", (320, 200), (40, 90, 200)).save(folder / "flat.jpg", quality=40)
    chance = random.Random(7)  # noqa: S311 - the same noise every time
    grain = bytes(round(min(255, max(0, chance.gauss(128, 6)))) for _ in range(320 * 200))
    Image.frombytes("L", (320, 200), grain).convert("RGB").save(folder / "noise.png")
    half = Image.new("RGB", (320, 200), "navy")
    half.paste((120, 30, 30), (0, 0, 90, 90))
    half.save(folder / "half.png")
    line = Image.new("RGB", (640, 640), "white")
    line.paste((0, 0, 0), (100, 100, 220, 104))
    line.save(folder / "line.png")
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(folder / "clear.png")
    _sound(folder / "silence.wav", 0)
    _sound(folder / "tone.wav", 9000)
    _film(folder / "black.mp4", "color=black:size=160x120:duration=2:rate=8")
    _film(folder / "fade.mp4", "color=white:size=160x120:duration=2:rate=8,fade=in:0:12")
    _film(folder / "moving.mp4", "testsrc=size=160x120:duration=2:rate=8")
    kinds = {".wav": Kind.AUDIO, ".mp4": Kind.VIDEO}
    return {
        path.name: store.keep(File(path, path.name), kinds.get(path.suffix, Kind.IMAGE))
        for path in folder.iterdir()
        if path.is_file()
    }


def _sound(path: Path, loudness: int) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        samples = (round(loudness * math.sin(one / 4)) for one in range(12_000))
        sound.writeframes(b"".join(struct.pack("<h", one) for one in samples))


def _film(path: Path, source: str) -> None:
    command = [find_ffmpeg(), "-loglevel", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", path]
    subprocess.run(command, check=True)


@pytest.mark.parametrize(
    ("name", "expect", "words"),
    [
        ("flat.jpg", Expect(not_blank=True), "nothing but one colour"),
        ("noise.png", Expect(not_blank=True), "nothing but one colour"),
        ("clear.png", Expect(not_blank=True), "nothing but one colour"),
        ("silence.wav", Expect(not_blank=True), "is silent"),
        ("black.mp4", Expect(not_blank=True), "every frame"),
        ("fade.mp4", Expect(not_blank=True), "every frame"),
        ("half.png", Expect(min_width=512), "320 pixels wide, and should be at least 512"),
        ("half.png", Expect(min_height=201), "200 pixels high"),
        ("tone.wav", Expect(min_seconds=2), "1.5 s long"),
        ("moving.mp4", Expect(min_seconds=2.5), "2 s long"),
        ("moving.mp4", Expect(min_width=161), "160 pixels wide"),
    ],
)
def test_what_is_not_as_expected_is_told_with_what_it_is(media, name, expect, words):
    """A Space that paints black for a filtered prompt calls that a success."""
    with pytest.raises(BadOutput) as refused:
        verify(expect, (media[name],), "acme/app")

    assert words in refused.value.message
    assert refused.value.place == "acme/app"


@pytest.mark.parametrize(
    ("name", "expect"),
    [
        ("half.png", Expect(not_blank=True, min_width=320, min_height=200)),
        ("line.png", Expect(not_blank=True)),
        ("tone.wav", Expect(not_blank=True, min_seconds=1.5)),
        ("moving.mp4", Expect(not_blank=True, min_seconds=1.9, min_width=160)),
        ("flat.jpg", Expect(min_width=10)),
    ],
)
def test_what_is_as_expected_passes(media, name, expect):
    """A white page with one line on it is not blank."""
    verify(expect, (media[name],), "acme/app")


@pytest.mark.parametrize(
    ("text", "expect", "words"),
    [
        ("", Expect(not_blank=True), "empty"),
        (" \n\t", Expect(not_blank=True), "white space"),
        ("no scenes", Expect(matches=r"^SCENE \d+"), "does not match"),
        ("a" * 90, Expect(matches=r"^(a|aa)+$ b"), "could not be searched"),
    ],
)
def test_texts_are_held_against_their_expectation(text, expect, words):
    """A pattern may take for ever on a text that a stranger's model wrote."""
    with pytest.raises(BadOutput, match=words):
        verify(expect, (text,), "acme/app")


def test_texts_in_records_are_for_programs():
    """Only what a person would read is held against words."""
    verify(Expect(not_blank=True, matches="fine"), ({"id": ""}, 7, None, "fine"), "acme/app")


BLANK = """
    steps:
      it:
        space: ACTOR
        endpoint: /paint
        with: {colour: red, width: 40}
        retry: {attempts: 2, wait: 10ms}
        expect: {not_blank: true}
        fallback: [{space: ACTOR, endpoint: /paint, with: {colour: red-blue, width: 40}}]
    outputs: {picture: $it.image}
"""


def test_a_blank_picture_is_made_again_and_then_elsewhere(run):
    """The step's result must be one."""
    done = run(BLANK)

    assert done.ok
    assert story(done) == [("bad-output", "retry"), ("bad-output", "fall-back")]
    with Image.open(done.outputs["picture"].path) as picture:
        assert len(picture.getcolors()) == 2


def test_a_kept_result_that_is_not_as_expected_is_not_used(run, actor):
    """What was good enough for one step may be too little for the next."""
    loose = "steps: {it: {space: ACTOR, endpoint: /paint, with: {colour: red-blue, width: 48}}}"
    before = calls_of(actor, "paint")
    run(loose)
    kept = run(loose.replace("48}", "48}, expect: {min_width: 48}"))
    refused = run(loose.replace("48}", "48}, retry: {attempts: 1}, expect: {min_width: 49}"))

    assert kept.to_json()["steps"]["it"]["cached"]
    assert not refused.ok
    assert calls_of(actor, "paint") == before + 2
