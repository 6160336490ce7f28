"""Loading: what a chain is once it is loaded, and what is said when there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chains import (
    Budget,
    Chain,
    ChainNotFound,
    ChainStep,
    Each,
    Expect,
    FindStep,
    InvalidChain,
    Limit,
    MediaStep,
    ModelStep,
    PythonStep,
    Retry,
    ServiceStep,
    SpaceStep,
    load,
    loads,
)
from chains.loader import ChainUnreadable
from spaces_registry.clocks import Clocks
from spaces_registry.signature import Kind

ChainOf = Callable[[str], Chain]
VALID = Path(__file__).parent / "valid"


def test_a_step_is_what_it_says() -> None:
    """The engine chooses a runner by the class of a step."""
    chain = load(VALID / "expressions.yaml")

    draw, film = chain.steps["draw"], chain.steps["film"]
    assert isinstance(draw, SpaceStep)
    assert (draw.space, draw.endpoint, dict(draw.outputs)) == (
        "owner/draw",
        "/draw",
        {"picture": "[0][0].image"},
    )
    assert isinstance(film, MediaStep)
    assert film.operation == "mux"
    warm = load(VALID / "python-beside.yaml").steps["warm"]
    assert isinstance(warm, PythonStep)
    assert (warm.file, warm.function) == ("code/colour.py", "warm")


def test_defaults_hold_unless_a_step_says_otherwise() -> None:
    """A timeout at the top must reach every step, clock by clock."""
    chain = load(VALID / "expressions.yaml")

    assert chain.steps["draw"].timeout == Clocks(wake_s=600.0, run_s=90.0)
    assert chain.steps["film"].timeout == Clocks(wake_s=600.0)
    assert (chain.steps["draw"].cache, chain.steps["film"].cache) == (True, False)
    assert chain.limits == {"owner/draw": Limit(2)}
    assert chain.env == ("API_KEY",)


def test_a_fallback_is_a_step_with_what_it_does_not_say_from_its_step() -> None:
    """What is true of the result is true whoever gives it; where it is called and with what is its own."""
    image = load(VALID / "fallbacks.yaml").steps["image"]
    model, service, find = image.fallback

    assert [type(one).__name__ for one in image.fallback] == ["ModelStep", "ServiceStep", "FindStep"]
    assert [(one.name, one.key, one.way, one.title) for one in (image, model)] == [
        ("image", "image", 0, "step `image`"),
        ("image", "image#1", 1, "fallback 1 of step `image`"),
    ]
    assert {one.expect for one in (image, *image.fallback)} == {Expect(None, 512, 512, not_blank=True)}
    assert (model.timeout.wake_s, model.timeout.run_s, service.timeout.run_s) == (300.0, 30.0, 60.0)
    assert model.retry == Retry(1, 1.0, 30.0, {"busy": "fall-back", "crashed": "stop"})
    assert service.retry == image.retry == Retry(4, 1.0, 30.0, {"busy": "fall-back"})
    assert [one.pickup.mode for one in (image, *image.fallback)] == [
        "attached",
        "attached",
        "detached",
        "attached",
    ]
    assert [one.cache for one in image.fallback] == [True, True, False]
    assert [(one.at.line, one.at.column) for one in (model, service, find)] == [(19, 9), (26, 9), (30, 9)]
    assert (model.each, model.needs, model.when, model.fallback) == (None, (), None, ())


def test_what_a_fallback_reads_its_step_waits_for(chain_of: ChainOf) -> None:
    """A fallback that is called at last must find its arguments there."""
    chain = chain_of("""
        steps:
          a: {space: o/a}
          b: {space: o/b}
          c: {space: o/c}
          draw:
            space: o/draw
            with: {x: $a.text}
            needs: c
            fallback: [{space: o/other, with: {y: $b.text}}, {media: convert, with: {z: $a.image}}]
    """)

    draw = chain.steps["draw"]
    assert draw.reads == ("a", "b", "c")
    assert [one.reads for one in draw.fallback] == [("b",), ("a",)]
    assert [step.key for step in chain.ways] == ["a", "b", "c", "draw", "draw#1", "draw#2"]


def test_a_step_of_every_kind_is_what_it_says() -> None:
    """The engine chooses a runner by the class of a step, and calls what its fields name."""
    chain = load(VALID / "fallbacks.yaml")

    image, count, film, local = chain.steps.values()
    assert isinstance(image, SpaceStep)
    assert (image.space, image.others, image.key_of("owner/twin")) == (
        "owner/draw",
        ("owner/twin",),
        "image@owner/twin",
    )
    model, service, find = image.fallback
    assert isinstance(model, ModelStep)
    assert (model.model, model.task, model.provider, model.bill_to) == (
        "black-forest-labs/FLUX.1-schnell",
        "text-to-image",
        "fal-ai",
        "my-team",
    )
    assert isinstance(service, ServiceStep)
    assert (service.service, service.endpoint, service.url) == ("replicate", "run", None)
    assert isinstance(find, FindStep)
    assert isinstance(count, PythonStep)
    assert (count.isolate, count.memory_bytes, count.expect.matches) == (True, 1_500_000_000, "^[0-9]+$")
    assert isinstance(film, ChainStep)
    assert (film.chain, film.expect.min_seconds) == ("short-film", 2.5)
    assert isinstance(local, ServiceStep)
    assert (local.endpoint, local.url) == (None, "http://127.0.0.1:8188")


def test_limits_and_a_budget_are_numbers(chain_of: ChainOf) -> None:
    """What is not said stays open, and is not 0."""
    chain = load(VALID / "fallbacks.yaml")

    assert chain.limits == {"owner/draw": Limit(None, 6, None), "replicate": Limit(2, None, 500)}
    assert chain.budget == Budget(300.0, 50, 2.5)
    assert chain_of("budget: {calls: 0}\nsteps: {a: {space: o/a}}").budget == Budget(None, 0, None)


def test_a_step_waits_for_what_it_mentions_and_for_its_needs(chain_of: ChainOf) -> None:
    """Edges are never written twice, and none is forgotten."""
    chain = chain_of("""
        inputs: {on: true}
        steps:
          a: {space: o/a}
          b: {space: o/b}
          c: {space: o/c}
          d: {space: o/d}
          e: {space: o/e}
          last:
            space: o/last
            needs: [e, a]
            when: inputs.on and c.number > 1
            each: {x: $d.images, y: $b.images}
            with: {one: $b.text, two: "${{ a.text + b.text }}", three: "${{ item.x }} ${{ run.id }}"}
    """)

    assert chain.steps["last"].reads == ("b", "a", "c", "d", "e")
    assert chain.steps["last"].needs == ("e", "a")


def test_an_input_may_be_its_default_alone(chain_of: ChainOf) -> None:
    """`seconds: 4` is the shortest way to say it, and the kind follows from the value."""
    chain = chain_of("""
        inputs:
          text: a cat
          number: 4
          yes_or_no: true
          several: [1, 2]
          data: {default: {a: 1}}
          long: {help: Needed, minimum: 1, kind: integer, maximum: 3}
          choice: {choices: [a, b], default: a}
          guessed: {default: 2.5}
          optional: {kind: image, required: false}
        steps: {draw: {space: o/a}}
    """)

    told = {name: (one.kind, one.many, one.default, one.required) for name, one in chain.inputs.items()}
    assert told == {
        "text": (Kind.TEXT, False, "a cat", False),
        "number": (Kind.NUMBER, False, 4, False),
        "yes_or_no": (Kind.BOOLEAN, False, True, False),
        "several": (Kind.NUMBER, True, [1, 2], False),
        "data": (Kind.JSON, False, {"a": 1}, False),
        "long": (Kind.INTEGER, False, None, True),
        "choice": (Kind.CHOICE, False, "a", False),
        "guessed": (Kind.NUMBER, False, 2.5, False),
        "optional": (Kind.IMAGE, False, None, False),
    }
    assert (chain.inputs["long"].minimum, chain.inputs["long"].maximum) == (1, 3)
    assert chain.inputs["choice"].choices == ("a", "b")


def test_each_is_a_list_or_lists_by_name(chain_of: ChainOf) -> None:
    """The three ways to write `each` mean two things."""
    chain = chain_of("""
        steps:
          a: {space: o/a, each: [1, 2]}
          b: {space: o/a, each: {in: [1, 2], keep_going: true}}
          c: {space: o/a, each: {x: [1], y: [2]}}
    """)

    a, b, c = (step.each for step in chain.steps.values())
    assert isinstance(a, Each)
    assert isinstance(b, Each)
    assert isinstance(c, Each)
    assert [one.literal for one in a.templates] == [[1, 2]]
    assert (a.keep_going, b.keep_going) == (False, True)
    assert isinstance(c.value, dict)
    assert {name: one.literal for name, one in c.value.items()} == {"x": [1], "y": [2]}


def test_a_chain_has_its_files_name_and_its_version_as_written(tmp_path: Path) -> None:
    """`version: 1.10` must not become 1.1, and a name must do for a folder."""
    file = tmp_path / "my film (2).yaml"
    file.write_text("version: 1.10\nsteps: {draw: {space: o/a}}\n")

    chain = load(file)

    assert (chain.name, chain.version, chain.folder) == ("my-film-2", "1.10", tmp_path.resolve())


def test_places_point_at_what_was_written(chain_of: ChainOf) -> None:
    """Problems found later, on a live Space, must point into the file too."""
    chain = chain_of("steps:\n  draw:\n    space: o/a\n    endpoint: /go\n    with:\n      prompt: a cat\n")

    draw = chain.steps["draw"]
    assert isinstance(draw, SpaceStep)
    places = [
        draw.at,
        draw.space_at,
        draw.endpoint_at,
        draw.argument_at("prompt"),
        draw.arguments["prompt"].at,
    ]
    assert [(one.line, one.column) for one in places] == [(2, 3), (3, 12), (4, 15), (6, 7), (6, 15)]
    assert draw.argument_at("not written") == draw.at


def test_a_file_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    """A typo in a file's name is the first mistake of all."""
    (tmp_path / "film.yaml").write_text("steps: {}")

    with pytest.raises(ChainNotFound) as missing:
        load(tmp_path / "flim.yaml")
    with pytest.raises(ChainNotFound) as folder:
        load(tmp_path)
    with pytest.raises(ChainNotFound):
        load(tmp_path / "film.yaml" / "inside.yaml")
    with pytest.raises(ChainNotFound):
        load("nul\0.yaml")

    assert missing.value.hint == "did you mean 'film.yaml'?"
    assert "is a folder" in str(folder.value)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """A link in a circle is no chain, and no traceback either."""
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")

    with pytest.raises((ChainUnreadable, ChainNotFound)):
        load(tmp_path / "loop.yaml")


def test_an_invalid_chain_says_its_first_mistake_and_counts_the_rest(tmp_path: Path) -> None:
    """One line must do where there is no room for all of them."""
    with pytest.raises(InvalidChain) as invalid:
        loads("nmae: film\nsteps: {draw: {space: o/a, wiht: {}}}\n", file="a\x1b.yaml", folder=tmp_path)

    assert (
        str(invalid.value)
        == "a\N{REPLACEMENT CHARACTER}.yaml:1:1: `nmae` is not a key of a chain (and 1 more problem)"
    )
    assert invalid.value.hint == "did you mean 'name'?"


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`spacechain --help` must answer at once."""
    import subprocess  # noqa: PLC0415 - this test alone starts a program
    import sys  # noqa: PLC0415

    code = "import sys, chains; print({'yaml', 'pydantic', 'networkx', 'jmespath'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "set()"


def test_an_index_is_part_of_a_reference_also_between_brackets(tmp_path):
    """`$name.part[0]` needs no quotes anywhere; its place in the file stays exact."""
    chain = loads(
        "steps: {a: {space: o/a, with: {x: [$item[0], $item.b[-1]]}, each: [[1]]}}", folder=tmp_path
    )

    values = chain.steps["a"].arguments["x"].references
    assert [str(one) for one in values] == ["$item[0]", "$item.b[-1]"]
    assert [one.at.column for one in values] == [36, 46]


def test_signs_of_private_use_stay_what_they_are(tmp_path):
    """The reader's own stand-ins for brackets must not eat anybody's text."""
    chain = loads("steps: {a: {space: o/a, with: {x: '\uf8e0$a\uf8e1'}}}", folder=tmp_path)

    assert chain.steps["a"].arguments["x"].literal == "\uf8e0$a\uf8e1"
