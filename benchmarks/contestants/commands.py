"""Whole processes, from the start of the program to its end, or to its first connection."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from lab import Lab

from contestants import Once

_PATIENCE_S = 60.0
_OURS = Path(sys.executable).parent

_ONE_CALL = """
import sys
from gradio_client import Client
client = Client(sys.argv[1], verbose=False, analytics_enabled=False)
print(client.predict("hello", api_name="/echo"))
"""

_THREE_STEPS = """
import sys
from gradio_client import Client, handle_file
first, second, third = (Client(url, verbose=False, analytics_enabled=False) for url in sys.argv[1:])
picture = first.predict("a picture", api_name="/draw")
clip, caption = second.predict(handle_file(picture), api_name="/animate")
print(clip, third.predict(caption, api_name="/speak"))
"""

_CHAIN = """
name: kept
steps:
  picture: {{space: "{drawing}", endpoint: /draw, with: {{text: a picture}}}}
  clip: {{space: "{moving}", endpoint: /animate, with: {{image: $picture.image}}}}
  voice: {{space: "{speaking}", endpoint: /speak, with: {{text: $clip.text}}}}
outputs:
  clip: $clip.image
  voice: $voice.audio
"""


@contextmanager
def nothing(lab: Lab) -> Iterator[Once]:
    """An interpreter that does nothing."""
    yield _whole(lab, [sys.executable, "-c", "pass"])


@contextmanager
def our_help(lab: Lab) -> Iterator[Once]:
    """The list of commands."""
    yield _whole(lab, [str(_OURS / "spacechain"), "--help"])


@contextmanager
def our_check(lab: Lab) -> Iterator[Once]:
    """A bundled chain, checked without the network."""
    yield _whole(lab, [str(_OURS / "spacechain"), "check", "--static", "short-film"])


@contextmanager
def our_call(lab: Lab) -> Iterator[Once]:
    """One call that is made, not taken from the store."""
    yield _whole(lab, [str(_OURS / "spacechain"), "call", lab.drawing, "/echo", "text=hello", "--fresh"])


@contextmanager
def our_kept_run(lab: Lab) -> Iterator[Once]:
    """A chain of three steps whose results are all kept; its apps are still asked what they offer."""
    once = _whole(lab, [str(_OURS / "spacechain"), "run", str(_chain(lab))])
    once(0)
    yield once


@contextmanager
def our_fresh_run(lab: Lab) -> Iterator[Once]:
    """The same chain, all of its calls made."""
    yield _whole(lab, [str(_OURS / "spacechain"), "run", str(_chain(lab)), "--fresh"])


@contextmanager
def our_first_request(lab: Lab) -> Iterator[Once]:
    """A run, until it opens its first connection."""
    with _door() as (door, url):
        chain = lab.folder / "door.yaml"
        chain.write_text(_CHAIN.format(drawing=url, moving=url, speaking=url), encoding="utf-8")
        yield _until_knocked(lab, door, [str(_OURS / "spacechain"), "run", str(chain)])


@contextmanager
def client_script(lab: Lab) -> Iterator[Once]:
    """A script of `gradio_client`'s that makes one call."""
    yield _whole(lab, [str(lab.peers), str(_script(lab, "one_call", _ONE_CALL)), lab.drawing])


@contextmanager
def client_three_steps(lab: Lab) -> Iterator[Once]:
    """A script of `gradio_client`'s that does what our chain does."""
    script = _script(lab, "three_steps", _THREE_STEPS)
    yield _whole(lab, [str(lab.peers), str(script), lab.drawing, lab.moving, lab.speaking])


@contextmanager
def client_first_request(lab: Lab) -> Iterator[Once]:
    """The script with one call, until it opens its first connection."""
    with _door() as (door, url):
        yield _until_knocked(lab, door, [str(lab.peers), str(_script(lab, "one_call", _ONE_CALL)), url])


@contextmanager
def hf_gradio(lab: Lab) -> Iterator[Once]:
    """One call by the command that `huggingface_hub` and `gradio_client` install."""
    program = str(lab.peers.parent / "hf-gradio")
    yield _whole(lab, [program, "predict", lab.drawing, "/echo", '{"text": "hello"}'])


@contextmanager
def gradio(lab: Lab) -> Iterator[Once]:
    """One call by Gradio's own command."""
    program = str(lab.peers.parent / "gradio")
    yield _whole(lab, [program, "predict", lab.drawing, "/echo", '{"text": "hello"}'])


@contextmanager
def daggr_help(lab: Lab) -> Iterator[Once]:
    """The list of options."""
    yield _whole(lab, [str(lab.peers.parent / "daggr"), "--help"])


def _whole(lab: Lab, words: Sequence[str]) -> Once:
    def once(turn: int) -> float:
        del turn
        started = perf_counter()
        done = subprocess.run(
            words, cwd=lab.folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        seconds = perf_counter() - started
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
        return seconds

    return once


@contextmanager
def _door() -> Iterator[tuple[socket.socket, str]]:
    """A port that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(_PATIENCE_S)
        yield door, f"http://127.0.0.1:{door.getsockname()[1]}"


def _until_knocked(lab: Lab, door: socket.socket, words: Sequence[str]) -> Once:
    """The process is stopped as soon as it knocks: what it does then is another question."""

    def once(turn: int) -> float:
        del turn
        started = perf_counter()
        with subprocess.Popen(
            words, cwd=lab.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            guest, _ = door.accept()
            seconds = perf_counter() - started
            process.kill()
            process.wait()
            guest.close()
        _turn_away_the_rest(door)
        return seconds

    return once


def _turn_away_the_rest(door: socket.socket) -> None:
    """Connections that the same process opened besides must not count for the next one."""
    door.settimeout(0.0)
    try:
        while True:
            door.accept()[0].close()
    except BlockingIOError:
        door.settimeout(_PATIENCE_S)


def _chain(lab: Lab) -> Path:
    file = lab.folder / "kept.yaml"
    places = {"drawing": lab.drawing, "moving": lab.moving, "speaking": lab.speaking}
    file.write_text(_CHAIN.format(**places), encoding="utf-8")
    return file


def _script(lab: Lab, name: str, text: str) -> Path:
    file = lab.folder / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    return file
