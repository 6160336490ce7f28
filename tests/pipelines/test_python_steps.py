"""A user's own function in a chain: its annotations are its signature, and it runs only if trusted."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import pytest

from chains.problems import InvalidChain
from pipelines.engine.results import Failed, Succeeded
from pipelines.household.home import find_home
from pipelines.household.trust import NotTrusted, trust
from pipelines.runners.functions import read_function
from pipelines.runners.protocol import Call
from pipelines.runners.python import PythonRunner
from spaces_registry.errors import Drifted

PAGE = Path(__file__).parents[2] / "docs" / "python-steps.md"
FUNCTIONS = '''
import os, subprocess, sys
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

def end(how: str) -> str:
    match how:
        case "exit": sys.exit(0)
        case "interrupt": raise KeyboardInterrupt
        case "abort": os.abort()
        case "vanish": os._exit(0)

def odd(what: str):
    circle = []
    circle.append(circle)
    return {"set": {1}, "circle": circle, "nothing": Path("nothing")}[what]

def talk(text: str) -> str:
    print(text)
    os.system("echo and a program of its own")
    return text

def note(text: str) -> Path:
    with Path("note.txt").open("x") as file:
        file.write(text)
    return Path("note.txt")

def edit(text: str) -> str:
    with open(__file__, "a") as file:
        file.write(text)
    return text

def neighbour() -> str:
    import beside
    return beside.__name__

def linger(fifo: str, stay: bool = True) -> str:
    """Start a program that outlives everything, tell that it is there, and wait for it."""
    with open(fifo, "wb", buffering=0) as held:
        child = subprocess.Popen(["sleep", "1000"], stdout=held)
        held.write(b"here")
        if stay:
            child.wait()
    return "done"
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


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("exit", "SystemExit: 0"),
        ("interrupt", "KeyboardInterrupt"),
        ("abort", "the process ended: SIGABRT"),
        ("vanish", "the process ended: exit code 0"),
    ],
)
def test_a_function_that_ends_its_process_fails_its_step_and_nothing_else(run, how, said):
    """`sys.exit()` in somebody's script must neither end the run nor pass for success."""
    done = run(f"""
        steps:
          bad: {{python: "mine.py:end", with: {{how: {how}}}}}
          good: {{python: "mine.py:twice", with: {{text: ho}}}}
    """)

    result = done.steps["bad"].result
    assert isinstance(result, Failed)
    assert (result.error.code, result.error.said) == ("crashed", said)
    assert isinstance(done.steps["good"].result, Succeeded)
    assert done.status == "failed"


@pytest.mark.usefixtures("functions")
def test_a_failure_says_which_line_of_the_users_it_was(run):
    """Without a traceback, this is what one looks for."""
    done = run('steps: {bad: {python: "mine.py:fail", with: {text: thanks}}}')
    line = FUNCTIONS.splitlines().index('    raise ValueError("no, " + text)') + 1

    assert done.steps["bad"].result.error.message.endswith(f"ValueError: no, thanks (line {line})")


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("what", "says"), [("set", "set"), ("circle", "contains itself"), ("nothing", "the path of no file")]
)
def test_a_value_that_no_step_can_read_is_bad_output(run, what, says):
    """The next step would fail with words about something else."""
    done = run(f'steps: {{bad: {{python: "mine.py:odd", with: {{what: {what}}}}}}}')

    assert done.steps["bad"].result.error.code == "bad-output"
    assert says in done.steps["bad"].result.error.message


@pytest.mark.usefixtures("functions")
def test_the_current_folder_is_the_calls_own(run, tmp_path):
    """Calls at the same time must not write over each other, nor into the user's folder."""
    done = run("""
        steps:
          notes: {python: "mine.py:note", each: [a, b, c], with: {text: $item}}
        outputs: {notes: $notes.files}
    """)

    assert [one.path.read_text() for one in done.outputs["notes"]] == ["a", "b", "c"]
    assert not (tmp_path / "note.txt").exists()


def test_bytes_that_were_not_trusted_are_not_run(functions, tmp_path):
    """A file may change between the look at it and the call."""
    (tmp_path / "call").mkdir()
    endpoint = read_function(functions, "edit")
    call = Call("mine.py", endpoint, {"text": "# was here"}, tmp_path / "call")
    runner = PythonRunner(functions, sha256="0" * 64)

    with pytest.raises(Drifted, match=r"mine\.py was changed"):
        anyio.run(runner, call, lambda _: None)
    assert functions.read_text() == FUNCTIONS


@pytest.mark.usefixtures("functions")
def test_files_beside_the_function_cannot_be_imported(run, tmp_path):
    """They are not what was trusted."""
    (tmp_path / "beside.py").write_text("")
    done = run('steps: {bad: {python: "mine.py:neighbour"}}')

    assert done.steps["bad"].result.error.said == "ModuleNotFoundError: No module named 'beside'"


@pytest.fixture
def fifo(tmp_path):
    """A named pipe; whoever reads from it sees its end when the last process that writes to it is gone."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def reader(fifo):
    """The pipe, open for reading before anybody writes."""
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "rb", buffering=0) as reader:
        yield reader


@pytest.mark.usefixtures("functions")
def test_a_timeout_ends_the_function_and_what_it_started(run, fifo, reader):
    """A model that hangs must not hold the machine after its step is given up."""
    call = f'{{python: "mine.py:linger", timeout: 1s, with: {{fifo: "{fifo}"}}}}'
    done = run(f"steps: {{slow: {call}}}")

    assert done.steps["slow"].result.error.code == "timed-out"
    assert reader.readall() == b"here"


@pytest.mark.usefixtures("functions")
def test_what_a_function_leaves_behind_ends_with_its_call(run, fifo, reader):
    """Nobody would know of it."""
    call = f'{{python: "mine.py:linger", with: {{fifo: "{fifo}", stay: false}}}}'
    done = run(f"steps: {{quick: {call}}}")

    assert done.ok
    assert reader.readall() == b"here"


@pytest.fixture
def command(tmp_path):
    """Start `spacechain run` on a chain given as YAML, in a process of its own."""
    started = []

    def start(text, *options):
        (tmp_path / "chain.yaml").write_text(text)
        line = [sys.executable, "-m", "pipelines.cli", "run", "chain.yaml", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(line, cwd=tmp_path, **pipes)
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        started.append((process, watchdog))
        return process

    yield start
    for process, watchdog in started:
        watchdog.cancel()
        process.kill()
        process.communicate()


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("sign", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_a_function_and_what_it_started_end_with_the_command(command, fifo, sign, code):
    """Ctrl-C ends the command now, not when the function pleases; and nothing outlives even a kill -9."""
    process = command(f'steps: {{slow: {{python: "mine.py:linger", with: {{fifo: "{fifo}"}}}}}}')
    with fifo.open("rb", buffering=0) as reader:  # as soon as the function opens it, too
        assert reader.read(4) == b"here"
        process.send_signal(sign)

        assert reader.readall() == b""
    process.communicate()
    assert process.returncode == code


@pytest.mark.usefixtures("functions")
def test_what_a_function_prints_goes_to_stderr(command):
    """`--json` promises JSON and nothing else on stdout."""
    process = command('steps: {loud: {python: "mine.py:talk", with: {text: hello}}}', "--json")
    out, err = process.communicate()

    assert json.loads(out)["status"] == "succeeded"
    assert "hello\nand a program of its own\n" in err


@pytest.mark.usefixtures("functions")
def test_a_function_that_exits_with_0_does_not_make_the_command_succeed(command):
    """Scripts decide by the exit code."""
    process = command('steps: {bad: {python: "mine.py:end", with: {how: exit}}}')
    _, err = process.communicate()

    assert process.returncode == 1
    assert "SystemExit: 0" in err
    assert "Traceback" not in err


def test_the_example_of_the_page_does_what_the_page_says(tmp_path):
    """It is the first thing that one copies."""
    blocks = re.findall(r"^`(\S+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for name, text in blocks:
        (tmp_path / name).write_text(text)
    (commands,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for line in commands.splitlines():
        words = line.removeprefix("spacechain").split()
        subprocess.run([sys.executable, "-m", "pipelines.cli", *words], cwd=tmp_path, check=True)
    (record,) = (tmp_path / "outputs" / "cards").glob("*/run.json")
    outputs = json.loads(record.read_text())["outputs"]

    assert [name for name, _ in blocks] == ["words.py", "cards.yaml"]
    assert len(outputs["cards"]) == 3
    assert outputs["letters"]["value"] == len("THE SEA\n") * 3 + len("salt\nwind\nlight\n")
