"""A user's own function in a chain: its annotations are its signature, and it runs only if trusted."""

import pytest

from chains.problems import InvalidChain
from pipelines.engine.results import Failed
from pipelines.home import find_home
from pipelines.trust import NotTrusted, trust

FUNCTIONS = '''
from pathlib import Path

def twice(text: str, times: int = 2, joint: str = " ") -> str:
    """Say it again."""
    return joint.join([text] * times)

def sizes(pictures: list[Path]) -> list[int]:
    return [one.stat().st_size for one in pictures]

def write(text: str) -> Path:
    path = Path(__file__).with_name("written.txt")
    path.write_text(text)
    return path

def split(text: str) -> tuple[str, int]:
    return text[0], len(text)

def fail(text: str) -> str:
    raise ValueError("no, " + text)

async def later(text: str) -> str:
    return text + " later"
'''


@pytest.fixture
def functions(tmp_path):
    """A file of functions beside the chain, trusted."""
    file = tmp_path / "mine.py"
    file.write_text(FUNCTIONS)
    trust(find_home(), file)
    return file


@pytest.mark.usefixtures("functions")
def test_a_function_is_called_with_its_defaults_and_its_result_goes_on(run):
    """A function is a step like any other."""
    done = run("""
        steps:
          two: {python: "mine.py:twice", with: {text: ho}}
          loud: {space: "bench", endpoint: /shout, with: {text: $two.text}}
          soon: {python: "mine.py:later", with: {text: $loud.text}}
          parts: {python: "mine.py:split", with: {text: abc}}
        outputs: {said: $soon.text, first: "$parts.outputs[0]", count: $parts.integer}
    """)

    assert done.outputs["said"].value == "HO HO later"
    assert done.outputs["first"].value == "a"
    assert done.outputs["count"].value == 3


@pytest.mark.usefixtures("functions")
def test_files_come_and_go_as_paths(run):
    """A function works with files as Python does, and its own file stays its own."""
    done = run("""
        steps:
          pictures: {space: "bench", endpoint: /draw, with: {colour: red, count: 2}}
          sizes: {python: "mine.py:sizes", with: {pictures: $pictures.images}}
          note: {python: "mine.py:write", with: {text: hello}}
        outputs: {sizes: $sizes.output, note: $note.file}
    """)

    assert [one.value > 0 for one in done.outputs["sizes"]] == [True, True]
    assert done.outputs["note"].path.read_text() == "hello"


@pytest.mark.usefixtures("functions")
def test_what_a_function_raises_is_its_steps_failure_in_its_own_words(run):
    """A bug of the user's is told as theirs, without our traceback."""
    done = run('steps: {bad: {python: "mine.py:fail", with: {text: thanks}}}')

    result = done.steps["bad"].result
    assert isinstance(result, Failed)
    assert result.error.said == "ValueError: no, thanks"


def test_untrusted_code_is_refused_before_anything_is_called(run, functions, workbench):
    """A recipe from a stranger is data."""
    functions.write_text(FUNCTIONS + "\n# changed since\n")
    before = workbench.calls("shout")
    with pytest.raises(NotTrusted) as refused:
        run("""
            steps:
              say: {space: "bench", endpoint: /shout, with: {text: untrusted}}
              bad: {python: "mine.py:twice", with: {text: $say.text}}
        """)

    assert "spacechain trust" in refused.value.hint
    assert workbench.calls("shout") == before


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("step", "code"),
    [
        ('{python: "mine.py:twyce", with: {text: a}}', "unknown-function"),
        ('{python: "mine.py:twice", with: {txt: a}}', "unknown-parameter"),
        ('{python: "mine.py:twice"}', "missing-parameter"),
        ('{python: "mine.py:twice", with: {text: a, times: many}}', "wrong-literal"),
        ('{python: "other.py:twice", with: {text: a}}', "unknown-function"),
    ],
)
def test_a_wrong_call_is_found_without_running_the_file(run, step, code):
    """Signatures are read from the source, so that even untrusted code can be checked."""
    with pytest.raises(InvalidChain) as invalid:
        run(f"steps: {{one: {step}}}")

    assert code in [problem.code for problem in invalid.value.problems]
