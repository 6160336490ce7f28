"""Whole films from the studio's three apps: by id through a Hub, by URL, by `--local`, by every recipe."""

import os
import re
import subprocess
import sys
from pathlib import Path

from hub_standin import ListedSpace, hub_standin

from pipelines.artifacts.probe import measure

THREE = """
name: three
steps:
  image:
    space: Tongyi-MAI/Z-Image-Turbo
    endpoint: /generate
    with: {prompt: a lake at dawn, resolution: "256x256 ( 1:1 )", seed: 3, random_seed: false}
  clip:
    space: alexnasa/ltx-2-TURBO
    endpoint: /generate_video
    with: {first_frame: $image.image, prompt: pan left, duration: 1}
  voice:
    space: Qwen/Qwen3-TTS
    endpoint: /generate_voice_design
    with: {text: Good morning., language: English, voice_description: calm}
  film: {media: mux, with: {video: $clip.video, audio: $voice.audio}}
outputs: {film: $film.video}
"""


def is_film(path: str | Path, least_s: float) -> bool:
    """Whether a file has picture and sound, and lasts."""
    facts = measure(Path(path))
    return facts.has_video and facts.has_audio and (facts.seconds or 0) >= least_s


def test_three_apps_by_id_through_a_hub(process, studio, tmp_path):
    """The Hub says where each Space is, and at which revision."""
    (tmp_path / "three.yaml").write_text(THREE)
    with hub_standin({space: ListedSpace(url) for space, url in studio.items()}) as hub:
        done = process("run", "three.yaml", "--json", HF_ENDPOINT=hub.url)

    assert done.code == 0, done.err
    assert is_film(tmp_path / done.json["outputs"]["film"]["path"], 1.0)
    assert done.json["steps"]["image"]["via"] == "Tongyi-MAI/Z-Image-Turbo"
    assert re.fullmatch(r"[0-9a-f]{40}", done.json["steps"]["image"]["revision"])


def test_three_apps_by_url(process, studio, tmp_path):
    """Any Gradio app will do, no Hub needed."""
    text = THREE
    for space, url in studio.items():
        text = text.replace(space, url)
    (tmp_path / "three.yaml").write_text(text)
    done = process("run", "three.yaml", "--json")

    assert done.code == 0, done.err
    assert is_film(tmp_path / done.json["outputs"]["film"]["path"], 1.0)
    assert done.json["steps"]["image"]["via"] == studio["Tongyi-MAI/Z-Image-Turbo"]


def test_the_demo_makes_a_narrated_film_whose_path_is_the_last_line(process, tmp_path):
    """What `make demo` runs."""
    done = process("run", "short-film", "--local", "-i", "seconds=3", "-i", "narration=A light.")

    assert done.code == 0, done.err
    assert is_film(tmp_path / done.out.splitlines()[-1], 3.0)


def test_find_looks_in_the_studio(process):
    """Without a Hub, what is here can be found, and is proven like anything else."""
    done = process("find", "picture to film", "--local", "--json", HF_ENDPOINT="http://127.0.0.1:9")

    assert done.code == 0, done.err
    [found] = done.json
    assert (found["space"], found["binding"]) == ("alexnasa/ltx-2-TURBO", {"image": "first_frame"})


def test_storyboard_makes_one_film_of_a_list_of_scenes(process, elsewhere, tmp_path):
    """A picture for each scene, in order."""
    scenes = ["-i", "scenes=a forest", "-i", "scenes=a desert"]
    done = process("run", "storyboard", *scenes, "-i", "seconds=1", "--json", *elsewhere)

    assert done.code == 0, done.err
    assert len(done.json["outputs"]["pictures"]) == 2
    assert measure(tmp_path / done.json["outputs"]["film"]["path"]).seconds >= 1.0


def test_narrated_still_lasts_as_long_as_the_voice(process, elsewhere, tmp_path):
    """The length of one step's output is an argument of the next."""
    done = process("run", "narrated-still", "-i", "narration=One. Two. Three.", "--json", *elsewhere)

    assert done.code == 0, done.err
    voice = done.json["steps"]["voice"]["outputs"]
    seconds = measure(tmp_path / next(iter(voice.values()))["path"]).seconds
    assert is_film(tmp_path / done.json["outputs"]["film"]["path"], seconds)


def test_variations_differ(process, elsewhere):
    """Every combination is a picture of its own."""
    few = ["-i", "lights=at dawn", "-i", "lights=at night", "-i", "seeds=1"]
    done = process("run", "variations", *few, "--json", *elsewhere)

    assert done.code == 0, done.err
    assert len({one["sha256"] for one in done.json["outputs"]["pictures"]}) == 2


def test_a_space_that_the_studio_does_not_have_is_named(process, tmp_path):
    """`--local` is for the chains that the studio can play."""
    (tmp_path / "other.yaml").write_text("steps: {a: {space: some/other, endpoint: /x, with: {}}}")
    done = process("run", "other.yaml", "--local")

    assert done.code == 2
    assert "some/other" in done.err
    assert "Traceback" not in done.err


def test_python_examples_of_the_book_run(tmp_path):
    """What the README shows works as it stands there."""
    root = Path(__file__).parents[2]
    for page in ("README.md", "docs/python.md"):
        blocks = re.findall(r"```python\n(.*?)```", (root / page).read_text(encoding="utf-8"), re.DOTALL)
        assert blocks, page
        for block in blocks:
            done = subprocess.run(
                [sys.executable, "-c", block],
                cwd=tmp_path,
                env=os.environ,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert Path(tmp_path / done.stdout.split()[-1]).stat().st_size > 0


def test_words_are_linked_with_the_spaces_of_the_studio(process, tmp_path):
    """No network, no id: what is wanted is enough."""
    words = ["link", "text to image", "image to video", "-i", "prompt=a lake", "--save", "film.yaml"]
    done = process(*words, "--local", "--dry-run", HF_ENDPOINT="http://127.0.0.1:9")

    assert done.code == 0, done.err
    assert "first_frame ← image.image" in " ".join(done.out.split())
    assert "space: alexnasa/ltx-2-TURBO" in (tmp_path / "film.yaml").read_text()
