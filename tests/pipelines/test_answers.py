"""What comes out of Gradio apps: values in every shape, and how a chain reads them."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from servers import Server, serve

from chains.loader import loads
from pipelines import Run, run_chain
from pipelines.engine.results import Failed, Succeeded

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="session")
def answers() -> Iterator[Server]:
    """The app of `apps/answers.py`."""
    with serve(APPS / "answers.py") as app:
        yield app


@pytest.fixture
def run(answers, tmp_path):
    """Run a chain given as YAML; `app` in it stands for the app's URL."""

    def run_text(text: str, inputs: dict[str, object] | None = None, **options: object) -> Run:
        chain = loads(dedent(text).replace('"app"', f'"{answers.url}"'), file="chain.yaml", folder=tmp_path)
        return run_chain(chain, inputs, out=tmp_path / "outputs", **options)

    return run_text


def values(done: Run) -> dict[str, object]:
    """The outputs that are no files, by name; lists of them as lists."""
    return {
        name: [inner.value for inner in one] if isinstance(one, tuple) else one.value
        for name, one in done.outputs.items()
    }


def test_a_query_steps_into_every_list_of_an_answer(run):
    """A detector's boxes lie in lists in lists; null in their place would go on as if it were data."""
    done = run("""
        steps:
          found:
            space: "app"
            endpoint: /detect
            with: {prompt: x}
            outputs: {first: "[0][0].label", all: "[0][].label", box: "[0][1].box[2]", few: "length([0])"}
          scores:
            space: "app"
            endpoint: /classify
            with: {prompt: x}
            outputs: {best: "[0].label", second: "[0].confidences[1].label"}
          table:
            space: "app"
            endpoint: /table
            with: {prompt: x}
            outputs: {word: "[0].data[0][0]", words: "[0].data[*][0]"}
        outputs:
          first: $found.first
          all: $found.all
          box: $found.box
          few: $found.few
          best: $scores.best
          second: $scores.second
          word: $table.word
          words: $table.words
    """)

    assert values(done) == {
        "first": "cat",
        "all": ["cat", "dog"],
        "box": 7,
        "few": 2,
        "best": "cat",
        "second": "dog",
        "word": "sea",
        "words": ["sea", "salt"],
    }


def test_a_query_over_items_gives_one_flat_list(run):
    """The parts of a step that runs over items are lists, and lists in them are flattened, however found."""
    done = run("""
        steps:
          found:
            each: [x, y]
            space: "app"
            endpoint: /detect
            with: {prompt: $item}
            outputs: {all: "[0][].label"}
        outputs: {all: $found.all}
    """)

    assert values(done) == {"all": ["cat", "dog", "cat", "dog"]}


EMPTY = """
    steps:
      found:
        space: "app"
        endpoint: /detect
        with: {prompt: x}
        outputs: {third: "[0][2].label"}
"""


def test_a_query_that_finds_nothing_is_a_warning_of_its_step(run):
    """A misspelt query looks like an empty answer: the run's own record must say which it was."""
    done = run(EMPTY + "    outputs: {third: $found.third}\n")

    assert done.status == "succeeded"
    assert done.to_json()["outputs"]["third"] == {"kind": "json", "value": None}
    assert done.to_json()["steps"]["found"]["warnings"] == [
        "`third` is empty: the query `[0][2].label` finds nothing in the answer"
    ]
    assert "finds nothing in the answer" in (done.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "reader",
    [
        "with: {prompt: $found.third}",
        'with: {prompt: "a ${{ found.third }}"}',
        "each: $found.third\n        with: {prompt: $item}",
        'with: {prompt: "${{ [found.third][0] }}"}',
    ],
)
def test_a_step_that_reads_a_query_which_found_nothing_is_refused(run, reader: str):
    """A call with null in place of the words that were meant is paid, and its result is wrong."""
    done = run(
        EMPTY
        + f"""
      next:
        space: "app"
        endpoint: /chat
        {reader}
    """
    )
    result = done.steps["next"].result

    assert isinstance(result, Failed)
    assert "`third` is empty: the query `[0][2].label` finds nothing" in result.error.message
    assert not result.calls


def test_an_expression_may_say_what_stands_for_a_query_that_found_nothing(run):
    """Where an answer may be empty, the chain's author says so, and a null that is meant is written."""
    done = run(
        EMPTY
        + """
      otherwise: {space: "app", endpoint: /reply, with: {prompt: "${{ found.third or 'nothing' }}"}}
      never: {when: found.third, space: "app", endpoint: /reply, with: {prompt: x}}
      always: {when: found.third == null, space: "app", endpoint: /reply, with: {prompt: y}}
    outputs: {text: "${{ otherwise.json.text }}"}
    """
    )

    assert values(done) == {"text": "nothing!"}
    assert [name for name, one in done.steps.items() if isinstance(one.result, Succeeded)] == [
        "found",
        "otherwise",
        "always",
    ]
