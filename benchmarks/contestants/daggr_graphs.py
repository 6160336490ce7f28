"""daggr: graphs run by `SequentialExecutor.execute_all`, its way without a page; its clients stay warm."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import gradio as gr
from daggr import FnNode, GradioNode, Graph
from daggr.executor import SequentialExecutor
from lab import Lab, expect, expect_file

from contestants import Once


@contextmanager
def three_steps(lab: Lab) -> Iterator[Once]:
    """Three nodes."""
    draw = _node(lab.drawing, "/draw", {"text": gr.Textbox()}, "image")
    animate = _node(lab.moving, "/animate", {"image": draw.image}, "clip", "caption")
    speak = _node(lab.speaking, "/speak", {"text": animate.caption}, "voice")
    executor = SequentialExecutor(Graph("three steps", nodes=[draw, animate, speak]))

    def once(turn: int) -> float:
        started = perf_counter()
        results = executor.execute_all({"draw": {"text": f"picture {turn}"}})
        seconds = perf_counter() - started
        expect_file(str(results["animate"]["clip"]))
        expect_file(str(results["speak"]["voice"]))
        return seconds

    yield once


@contextmanager
def diamond(lab: Lab) -> Iterator[Once]:
    """One node, four that read from it, one that reads from the four."""
    start = _node(lab.drawing, "/echo", {"text": gr.Textbox()}, "answer")
    four = [
        _node(lab.moving, "/wait", {"text": start.answer, "seconds": 0.5}, "answer", name=f"wait{number}")
        for number in range(4)
    ]
    places = ("first", "second", "third", "fourth")
    read = {place: node.answer for place, node in zip(places, four, strict=True)}
    end = _node(lab.speaking, "/join", read, "answer")
    executor = SequentialExecutor(Graph("diamond", nodes=[start, *four, end]))

    def once(turn: int) -> float:
        started = perf_counter()
        results = executor.execute_all({"echo": {"text": f"hello {turn}"}})
        seconds = perf_counter() - started
        expect(results["join"]["answer"], " ".join([f"hello {turn}"] * 4))
        return seconds

    yield once


@contextmanager
def four_items(lab: Lab) -> Iterator[Once]:
    """`.each` over four."""
    with _items(lab, 4, 0.5) as once:
        yield once


@contextmanager
def twenty_items(lab: Lab) -> Iterator[Once]:
    """`.each` over twenty."""
    with _items(lab, 20, 0.2) as once:
        yield once


@contextmanager
def _items(lab: Lab, count: int, seconds_each: float) -> Iterator[Once]:
    texts: list[str] = []
    source = FnNode(lambda: [*texts], name="texts", outputs={"items": gr.JSON()})
    wait = _node(lab.moving, "/wait", {"text": source.items.each, "seconds": seconds_each}, "answer")
    executor = SequentialExecutor(Graph("items", nodes=[source, wait]))

    def once(turn: int) -> float:
        texts[:] = [f"item {number} of turn {turn}" for number in range(count)]
        started = perf_counter()
        results = executor.execute_all({})
        seconds = perf_counter() - started
        expect([one["answer"] for one in results["wait"]["_scattered_results"]], texts)
        return seconds

    yield once


def _node(url: str, endpoint: str, inputs: dict[str, Any], *outputs: str, name: str = "") -> GradioNode:
    components = {one: gr.JSON() for one in outputs}
    return GradioNode(url, endpoint, name=name or endpoint[1:], inputs=inputs, outputs=components)
