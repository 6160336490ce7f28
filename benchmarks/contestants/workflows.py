"""`gr.Workflow` of Gradio: its own executor on its own graph format.

It only addresses Spaces of the Hub. So that it can take part at all, the `Client` that its module names is
replaced by one that knows where the lab's Spaces are; all else is its own code.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

import gradio.workflow
from gradio.workflow_api import WorkflowExecutor, WorkflowGraph
from gradio_client import Client
from lab import Lab, expect, expect_file

from contestants import Once

Port = tuple[str, str]  # id of a node, id of its port


@contextmanager
def three_steps(lab: Lab) -> Iterator[Once]:
    """Three operators, two outputs."""
    graph = _Drawing()
    prompt = graph.given("prompt", "text")
    [picture] = graph.space("draw", "lab/drawing", [(prompt, "text")], ["image"])
    clip, caption = graph.space("animate", "lab/moving", [(picture, "image")], ["image", "text"])
    [voice] = graph.space("speak", "lab/speaking", [(caption, "text")], ["audio"])
    wanted = [graph.wanted(clip, "image"), graph.wanted(voice, "audio")]
    executor = graph.executor(lab)

    def once(turn: int) -> float:
        started = perf_counter()
        clip, voice = executor.run_many(wanted, {"prompt": f"picture {turn}"})
        seconds = perf_counter() - started
        expect_file(clip)
        expect_file(voice)
        return seconds

    yield once


@contextmanager
def diamond(lab: Lab) -> Iterator[Once]:
    """One operator, four that read from it, one that reads from the four."""
    graph = _Drawing()
    given = graph.given("text", "text")
    pause = graph.given("pause", "number")
    [start] = graph.space("echo", "lab/drawing", [(given, "text")], ["text"])
    four = [
        graph.space("wait", "lab/moving", [(start, "text"), (pause, "number")], ["text"])[0] for _ in range(4)
    ]
    [end] = graph.space("join", "lab/speaking", [(one, "text") for one in four], ["text"])
    wanted = [graph.wanted(end, "text")]
    executor = graph.executor(lab)

    def once(turn: int) -> float:
        started = perf_counter()
        [answer] = executor.run_many(wanted, {"text": f"hello {turn}", "pause": 0.5})
        seconds = perf_counter() - started
        expect(answer, " ".join([f"hello {turn}"] * 4))
        return seconds

    yield once


class _Drawing:
    """A graph in the format of a saved canvas, while it is drawn."""

    def __init__(self) -> None:
        self._references: list[dict[str, Any]] = []
        self._operators: list[dict[str, Any]] = []
        self._subjects: list[dict[str, Any]] = []
        self._edges: list[dict[str, str]] = []

    def given(self, name: str, kind: str) -> Port:
        """A value that the caller gives."""
        self._references.append(
            {"id": name, "label": name, "asset_type": kind, "outputs": [{"id": "out", "type": kind}]}
        )
        return name, "out"

    def space(
        self, endpoint: str, space: str, reads: Sequence[tuple[Port, str]], kinds: Sequence[str]
    ) -> list[Port]:
        """A call of a Space; its outputs."""
        name = f"{endpoint}-{len(self._operators)}"
        inputs = [{"id": f"in{at}", "label": f"in{at}", "type": kind} for at, (_, kind) in enumerate(reads)]
        outputs = [{"id": f"out{at}", "type": kind, "output_index": at} for at, kind in enumerate(kinds)]
        called = {"kind": "space", "space_id": space, "endpoint": f"/{endpoint}"}
        self._operators.append({"id": name, "label": name, **called, "inputs": inputs, "outputs": outputs})
        for at, (port, _) in enumerate(reads):
            self._wire(port, name, f"in{at}")
        return [(name, f"out{at}") for at in range(len(kinds))]

    def wanted(self, port: Port, kind: str) -> str:
        """An output of the graph; its id."""
        name = f"wanted-{len(self._subjects)}"
        self._subjects.append({"id": name, "asset_type": kind, "inputs": [{"id": "in", "type": kind}]})
        self._wire(port, name, "in")
        return name

    def executor(self, lab: Lab) -> WorkflowExecutor:
        """What runs the graph, with the lab's apps for its Spaces."""
        urls = {"lab/drawing": lab.drawing, "lab/moving": lab.moving, "lab/speaking": lab.speaking}
        gradio.workflow.Client = partial(_client, urls)
        saved = {
            "schema_version": "2",
            "references": self._references,
            "operators": self._operators,
            "subjects": self._subjects,
            "edges": self._edges,
        }
        if (graph := WorkflowGraph.from_json(json.dumps(saved))) is None:
            raise ValueError(saved)
        return WorkflowExecutor(graph, {"space": gradio.workflow.call_space})

    def _wire(self, port: Port, node: str, into: str) -> None:
        [source, outlet] = port
        edge = {"from_node_id": source, "from_port_id": outlet, "to_node_id": node, "to_port_id": into}
        self._edges.append(edge)


def _client(urls: dict[str, str], space: str, **settings: Any) -> Client:
    return Client(urls[space], **settings)
