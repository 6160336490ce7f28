"""No client at all: the fewest requests that get the work done, over one shared `httpx2.Client`.

A floor, not a product: it knows the endpoints beforehand and has no login, retry, progress, checks or record.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx2
from lab import BULK_BYTES, Lab, expect, expect_file

from contestants import Once

_PATIENCE_S = 60.0


@contextmanager
def one_call(lab: Lab) -> Iterator[Once]:
    """POST the call, read its event stream."""
    with _client() as client:

        def once(turn: int) -> float:
            text = f"hello {turn}"
            started = perf_counter()
            [answer] = _call(client, lab.drawing, "echo", text)
            seconds = perf_counter() - started
            expect(answer, text)
            return seconds

        yield once


@contextmanager
def three_steps(lab: Lab) -> Iterator[Once]:
    """Every file is fetched, and sent on where a step reads it."""
    with _client() as client:

        def once(turn: int) -> float:
            started = perf_counter()
            [made] = _call(client, lab.drawing, "draw", f"picture {turn}")
            picture = _fetch(client, made, lab.folder / "bare.png")
            sent = _send(client, lab.moving, picture)
            made, caption = _call(client, lab.moving, "animate", sent)
            clip = _fetch(client, made, lab.folder / "bare.gif")
            [made] = _call(client, lab.speaking, "speak", caption)
            voice = _fetch(client, made, lab.folder / "bare.wav")
            seconds = perf_counter() - started
            expect_file(clip)
            expect_file(voice)
            return seconds

        yield once


@contextmanager
def diamond(lab: Lab) -> Iterator[Once]:
    """One step, four at once in threads, one that reads all four."""
    with _client() as client, ThreadPoolExecutor(4) as threads:

        def once(turn: int) -> float:
            started = perf_counter()
            [text] = _call(client, lab.drawing, "echo", f"hello {turn}")
            waiting = [threads.submit(_call, client, lab.moving, "wait", text, 0.5) for _ in range(4)]
            [joined] = _call(client, lab.speaking, "join", *(one.result()[0] for one in waiting))
            seconds = perf_counter() - started
            expect(joined, " ".join([f"hello {turn}"] * 4))
            return seconds

        yield once


@contextmanager
def four_items(lab: Lab) -> Iterator[Once]:
    """Four calls of 0.5 s in four threads."""
    with _items(lab, 4, 0.5) as once:
        yield once


@contextmanager
def twenty_items(lab: Lab) -> Iterator[Once]:
    """Twenty calls of 0.2 s in twenty threads."""
    with _items(lab, 20, 0.2) as once:
        yield once


@contextmanager
def hand_over(lab: Lab) -> Iterator[Once]:
    """Fetch from the one app to the disk, send to the other."""
    with _client() as client:

        def once(turn: int) -> float:
            started = perf_counter()
            [made] = _call(client, lab.drawing, "bulk", turn)
            path = _fetch(client, made, lab.folder / "bare.bin")
            [weight] = _call(client, lab.moving, "weigh", _send(client, lab.moving, path))
            seconds = perf_counter() - started
            expect(weight, BULK_BYTES)
            return seconds

        yield once


@contextmanager
def _items(lab: Lab, count: int, seconds_each: float) -> Iterator[Once]:
    with _client() as client, ThreadPoolExecutor(count) as threads:

        def once(turn: int) -> float:
            texts = [f"item {number} of turn {turn}" for number in range(count)]
            started = perf_counter()
            calls = [threads.submit(_call, client, lab.moving, "wait", one, seconds_each) for one in texts]
            answers = [one.result()[0] for one in calls]
            seconds = perf_counter() - started
            expect(answers, texts)
            return seconds

        yield once


def _client() -> httpx2.Client:
    return httpx2.Client(timeout=_PATIENCE_S)


def _call(client: httpx2.Client, url: str, name: str, *data: object) -> list[Any]:
    joined = client.post(f"{url}/gradio_api/call/{name}", json={"data": data}).raise_for_status()
    stream = f"{url}/gradio_api/call/{name}/{joined.json()['event_id']}"
    with client.stream("GET", stream) as response:
        event = ""
        for line in response.iter_lines():
            word, _, rest = line.partition(": ")
            if word == "event":
                event = rest
            elif word == "data" and event == "complete":
                answer: list[Any] = json.loads(rest)
                return answer
    raise RuntimeError(f"{name} did not complete")


def _fetch(client: httpx2.Client, made: dict[str, str], path: Path) -> Path:
    with client.stream("GET", made["url"]) as response, path.open("wb") as file:
        for chunk in response.iter_bytes():
            file.write(chunk)
    return path


def _send(client: httpx2.Client, url: str, path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        answer = client.post(f"{url}/gradio_api/upload", files={"files": (path.name, file)})
    meta = {"_type": "gradio.FileData"}
    return {"path": answer.raise_for_status().json()[0], "orig_name": path.name, "meta": meta}
