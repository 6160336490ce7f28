"""spacechain: `App.call` for single calls, `run_chain` for chains, as its users have them.

A `run_chain` does everything itself: it opens HTTP client, journal and store, asks the apps what they offer,
checks the chain, publishes files and `run.json`, and closes again. Nothing is warm but the Python process.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from anyio.from_thread import BlockingPortal, start_blocking_portal
from lab import BULK_BYTES, Lab, expect, expect_file

from contestants import Once
from pipelines import FileOutput, Run, ValueOutput, run_chain
from spaces_registry import App, Value, open_registry

_THREE_STEPS = """
name: three-steps
inputs:
  prompt: {{kind: text}}
steps:
  picture: {{space: "{drawing}", endpoint: /draw, with: {{text: $inputs.prompt}}}}
  clip: {{space: "{moving}", endpoint: /animate, with: {{image: $picture.image}}}}
  voice: {{space: "{speaking}", endpoint: /speak, with: {{text: $clip.text}}}}
outputs:
  clip: $clip.image
  voice: $voice.audio
"""

_DIAMOND = """
name: diamond
inputs:
  text: {{kind: text}}
steps:
  start: {{space: "{drawing}", endpoint: /echo, with: {{text: $inputs.text}}}}
  one: {{space: "{moving}", endpoint: /wait, with: {{text: "${{{{ start.text }}}} 1", seconds: 0.5}}}}
  two: {{space: "{moving}", endpoint: /wait, with: {{text: "${{{{ start.text }}}} 2", seconds: 0.5}}}}
  three: {{space: "{moving}", endpoint: /wait, with: {{text: "${{{{ start.text }}}} 3", seconds: 0.5}}}}
  four: {{space: "{moving}", endpoint: /wait, with: {{text: "${{{{ start.text }}}} 4", seconds: 0.5}}}}
  end:
    space: "{speaking}"
    endpoint: /join
    with: {{first: $one.text, second: $two.text, third: $three.text, fourth: $four.text}}
outputs:
  answer: $end.text
"""

_ITEMS = """
name: items
inputs:
  texts: {{kind: text, many: true}}
limits:
  "{moving}": {{concurrency: {count}}}
steps:
  wait:
    each: $inputs.texts
    space: "{moving}"
    endpoint: /wait
    with: {{text: "${{{{ item }}}}", seconds: {seconds}}}
outputs:
  answers: $wait.texts
"""

_SLOW = """
name: slow
inputs:
  text: {{kind: text}}
steps:
  wait: {{space: "{moving}", endpoint: /wait, pickup: {pickup}, with: {{text: $inputs.text, seconds: 12}}}}
outputs:
  answer: $wait.text
"""

_LOAD = """
name: load
inputs:
  texts: {{kind: text, many: true}}
  model: {{kind: text}}
steps:
  load:
    each: $inputs.texts
    space: "{moving}"
    endpoint: /load
    pickup: {pickup}
    with: {{text: "${{{{ item }}}}", model: $inputs.model}}
outputs:
  answers: $load.texts
"""

_HAND_OVER = """
name: hand-over
inputs:
  number: {{kind: integer}}
steps:
  make: {{space: "{drawing}", endpoint: /bulk, with: {{number: $inputs.number}}}}
  weigh: {{space: "{moving}", endpoint: /weigh, with: {{file: $make.file}}}}
outputs:
  weight: $weigh.number
"""


@contextmanager
def one_call(lab: Lab) -> Iterator[Once]:
    """`App.call` on an app that is connected already."""
    with start_blocking_portal() as portal, _connected(portal, lab.drawing) as [app]:

        def once(turn: int) -> float:
            seconds, [answer] = portal.call(_timed, app, "/echo", {"text": f"hello {turn}"}, lab.folder)
            expect(answer, f"hello {turn}")
            return seconds

        yield once


@contextmanager
def three_steps(lab: Lab) -> Iterator[Once]:
    """The whole of `run_chain`."""
    file = _written(lab, "three-steps", _THREE_STEPS)

    def once(turn: int) -> float:
        started = perf_counter()
        run = _run(lab, file, {"prompt": f"picture {turn}"})
        seconds = perf_counter() - started
        for name in ("clip", "voice"):
            output = run.outputs[name]
            expect_file(output.path if isinstance(output, FileOutput) else None)
        return seconds

    yield once


@contextmanager
def diamond(lab: Lab) -> Iterator[Once]:
    """The engine's time, `run.seconds`: from the first look at the apps to the last output."""
    file = _written(lab, "diamond", _DIAMOND)

    def once(turn: int) -> float:
        run = _run(lab, file, {"text": f"hello {turn}"})
        expect(_value(run, "answer"), " ".join(f"hello {turn} {number}" for number in range(1, 5)))
        return run.seconds

    yield once


@contextmanager
def four_items(lab: Lab) -> Iterator[Once]:
    """`each` over four; the engine's time."""
    with _items(lab, 4, 0.5) as once:
        yield once


@contextmanager
def twenty_items(lab: Lab) -> Iterator[Once]:
    """`each` over twenty, with the limit raised to twenty; the engine's time."""
    with _items(lab, 20, 0.2) as once:
        yield once


@contextmanager
def slow_auto(lab: Lab) -> Iterator[Once]:
    """A call of 12 s, its result picked up as `auto` has it; the engine's time."""
    with _slow(lab, "auto") as once:
        yield once


@contextmanager
def slow_attached(lab: Lab) -> Iterator[Once]:
    """The same call, followed from its beginning."""
    with _slow(lab, "attached") as once:
        yield once


@contextmanager
def slow_detached(lab: Lab) -> Iterator[Once]:
    """The same call, left with the app until its result is there for sure."""
    with _slow(lab, "detached") as once:
        yield once


@contextmanager
def cold_auto(lab: Lab) -> Iterator[Once]:
    """Forty calls of 1 s after one of 12 s, picked up as `auto` has it; the engine's time."""
    with _load(lab, "auto") as once:
        yield once


@contextmanager
def cold_attached(lab: Lab) -> Iterator[Once]:
    """The same calls, followed from their beginning."""
    with _load(lab, "attached") as once:
        yield once


@contextmanager
def hand_over(lab: Lab) -> Iterator[Once]:
    """The whole of `run_chain`; the file is hashed, verified and kept in the store on its way."""
    file = _written(lab, "hand-over", _HAND_OVER)

    def once(turn: int) -> float:
        started = perf_counter()
        run = _run(lab, file, {"number": turn})
        seconds = perf_counter() - started
        expect(_value(run, "weight"), BULK_BYTES)
        return seconds

    yield once


@contextmanager
def hand_over_by_call(lab: Lab) -> Iterator[Once]:
    """`App.call` twice, without store, journal or checks."""
    with start_blocking_portal() as portal, _connected(portal, lab.drawing, lab.moving) as [first, second]:

        def once(turn: int) -> float:
            folder = lab.folder / f"call-{turn}"
            folder.mkdir()
            making, [file] = portal.call(_timed, first, "/bulk", {"number": turn}, folder)
            weighing, [weight] = portal.call(_timed, second, "/weigh", {"file": file}, folder)
            expect(weight, BULK_BYTES)
            return making + weighing

        yield once


@contextmanager
def _items(lab: Lab, count: int, seconds: float) -> Iterator[Once]:
    file = _written(lab, f"items-{count}", _ITEMS, count=count, seconds=seconds)

    def once(turn: int) -> float:
        texts = [f"item {number} of turn {turn}" for number in range(count)]
        run = _run(lab, file, {"texts": texts})
        expect(_value(run, "answers"), texts)
        return run.seconds

    yield once


@contextmanager
def _slow(lab: Lab, pickup: str) -> Iterator[Once]:
    file = _written(lab, f"slow-{pickup}", _SLOW, pickup=pickup)

    def once(turn: int) -> float:
        text = f"slow call {turn}, {pickup}"
        run = _run(lab, file, {"text": text})
        expect(_value(run, "answer"), text)
        return run.seconds

    yield once


@contextmanager
def _load(lab: Lab, pickup: str) -> Iterator[Once]:
    """Each turn has a home folder of its own, which knows of one call: the one that took 12 s."""
    file = _written(lab, f"load-{pickup}", _LOAD, pickup=pickup)
    home = os.environ["SPACECHAIN_HOME"]

    def once(turn: int) -> float:
        os.environ["SPACECHAIN_HOME"] = f"{home}-{pickup}-{turn}"
        try:
            model = f"model {pickup} {turn}"
            _run(lab, file, {"texts": ["the first"], "model": model})
            texts = [f"item {number}" for number in range(40)]
            run = _run(lab, file, {"texts": texts, "model": model})
        finally:
            os.environ["SPACECHAIN_HOME"] = home
        expect(_value(run, "answers"), texts)
        return run.seconds

    yield once


async def _timed(
    app: App, endpoint: str, arguments: Mapping[str, Value], folder: Path
) -> tuple[float, tuple[Value, ...]]:
    """One call, timed on the loop that makes it."""
    called = app.space.endpoint(endpoint)
    started = perf_counter()
    answer = await app.call(called, arguments, folder=folder)
    return perf_counter() - started, answer


@contextmanager
def _connected(portal: BlockingPortal, *urls: str) -> Iterator[list[App]]:
    with portal.wrap_async_context_manager(open_registry(token="")) as registry:
        yield [portal.call(registry.connect, url) for url in urls]


def _run(lab: Lab, file: Path, inputs: Mapping[str, object]) -> Run:
    run = run_chain(file, inputs, out=lab.folder / "outputs", fresh=True, token="")
    expect(run.status, "succeeded")
    return run


def _value(run: Run, name: str) -> object:
    match run.outputs[name]:
        case ValueOutput() as one:
            return one.value
        case tuple() as several:
            return [one.value for one in several if isinstance(one, ValueOutput)]
    return None


def _written(lab: Lab, name: str, chain: str, **more: object) -> Path:
    file = lab.folder / f"{name}.yaml"
    apps = {"drawing": lab.drawing, "moving": lab.moving, "speaking": lab.speaking}
    file.write_text(chain.format(**apps, **more), encoding="utf-8")
    return file
