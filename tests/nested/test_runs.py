"""A chain in a chain runs in the same run: its steps are called, kept, limited and told as any others."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from chains.loader import load
from chains.problems import InvalidChain
from pipelines.engine.events import StepSettled, StepStarted
from pipelines.engine.results import Failed, Succeeded
from pipelines.household.home import find_home
from pipelines.household.trust import NotTrusted
from pipelines.journal import open_journal
from pipelines.running.nesting import limits_of

ONE = """
steps:
  one: {chain: inner.yaml, with: {words: hello}}
outputs: {said: $one.said, pause: $one.audio}
"""


def document(run):
    """The run's record."""
    return json.loads((run.folder / "run.json").read_text())


def test_its_outputs_are_the_step_s(run):
    """By name and by kind; files pass as they are."""
    made = run(ONE)

    assert made.ok
    assert made.outputs["said"].value == "HELLO CALM"
    assert made.outputs["pause"].mime == "audio/wav"
    assert made.outputs["pause"].path.is_file()


def test_its_steps_are_told_and_recorded_under_its_step(run):
    """Where time and money went is seen step by step."""
    heard = []
    made = run(ONE, tell=heard.append)

    started = {one.step for one in heard if isinstance(one, StepStarted)}
    assert started == {"one", "one/say", "one/pause"}
    assert {one.step for one in heard if isinstance(one, StepSettled)} == started
    inside = document(made)["steps"]["one"]["steps"]
    assert inside["say"]["via"] == "words.py:loud"
    assert inside["say"]["outputs"]["output"]["value"] == "HELLO CALM"


def test_a_second_run_calls_nothing(run, folder):
    """What is kept is kept by each step in it, whoever uses the chain."""
    run(ONE)
    again = run(ONE)

    assert folder.calls == ["hello calm"]
    assert document(again)["steps"]["one"]["cached"] is True


def test_its_calls_are_journalled_and_it_makes_none_itself(run):
    """`usage` must not count a call twice."""
    run(ONE)
    with open_journal(find_home().journal) as journal:
        used = {(one.kind, one.place, one.calls) for one in journal.used()}

    assert used == {("python", "words.py:loud", 1), ("media", "media silence", 1)}


@pytest.mark.parametrize("redo", ["one", "one/say"])
def test_redo_reaches_into_it(run, folder, redo):
    """All of it, or one step in it."""
    run(ONE)
    run(ONE, redo=[redo])

    assert folder.calls == ["hello calm", "hello calm"]


def test_each_runs_it_once_an_item_side_by_side(run, folder):
    """More items than a place gets calls at once: what waits inside must not block what it waits for."""
    made = run("""
        steps:
          all: {chain: inner.yaml, each: [a, b, c, d, e, f], with: {words: $item}}
        outputs: {said: $all.said}
    """)

    assert [one.value for one in made.outputs["said"]] == [f"{one} CALM" for one in "ABCDEF"]
    assert len(folder.calls) == 6
    assert "say" in document(made)["steps"]["all"]["calls"][5]["steps"]


def test_a_failure_inside_is_the_step_s_with_its_own_class_and_words(run):
    """A fallback decides by the class, a person by the words."""
    made = run("steps: {one: {chain: inner.yaml, with: {words: boom}}}")
    result = made.steps["one"].result

    assert isinstance(result, Failed)
    assert result.error.code == "crashed"
    assert "step 'say' of " in result.error.message
    assert "ValueError: too loud" in result.error.message
    inside = document(made)["steps"]["one"]["steps"]
    assert (inside["say"]["status"], inside["pause"]["status"]) == ("failed", "succeeded")


def test_a_step_falls_back_from_a_chain(run):
    """A long way round has a short one in reserve."""
    made = run("""
        steps:
          one:
            chain: inner.yaml
            with: {words: boom}
            fallback: [{python: "words.py:loud", with: {text: quietly}}]
        outputs: {said: $one.text}
    """)

    assert made.outputs["said"].value == "QUIETLY"


def test_a_choice_inside_skips_what_reads_from_it(run, folder):
    """`when` means the same on both sides of the border."""
    folder.write(
        "maybe.yaml",
        """
        inputs: {loudly: {kind: boolean}}
        steps: {say: {python: "words.py:loud", when: inputs.loudly, with: {text: hi}}}
        outputs: {said: $say.text}
        """,
    )
    made = run("""
        steps:
          one: {chain: maybe.yaml, with: {loudly: false}}
          two: {python: "words.py:loud", with: {text: $one.said}}
          three: {python: "words.py:loud", with: {text: "${{ one.said or 'nothing' }}"}}
        outputs: {three: $three.text}
    """)

    assert made.ok
    assert isinstance(made.steps["one"].result, Succeeded)
    assert folder.calls == ["nothing"]


def test_a_file_goes_in_and_a_default_file_lies_beside_its_own_chain(run, folder):
    """Each chain's files are beside it, and what is handed in is handed on."""
    (folder.path / "sub").mkdir()
    (folder.path / "sub" / "own.txt").write_text("own")
    (folder.path / "given.txt").write_text("given!")
    folder.write(
        "sub/lower.yaml",
        """
        inputs: {one: {kind: file}, two: {kind: file, default: own.txt}}
        outputs: {one: $inputs.one.size_bytes, two: $inputs.two.size_bytes}
        steps: {pause: {media: silence}}
        """,
    )
    made = run("""
        steps: {x: {chain: sub/lower.yaml, with: {one: given.txt}}}
        outputs: {sizes: ["${{ x.one }}", "${{ x.two }}"]}
    """)

    assert [one.value for one in made.outputs["sizes"]] == [6, 3]


def test_its_environment_is_its_own(run, folder, monkeypatch):
    """A chain reads what its own `env` names, and the values are in no record."""
    monkeypatch.setenv("INNER_WORD", "hush-hush-word")
    folder.write(
        "knows.yaml",
        """
        env: [INNER_WORD]
        steps: {say: {python: "words.py:loud", with: {text: "${{ env.INNER_WORD }}"}}}
        outputs: {size: "${{ len(say.text) }}"}
        """,
    )
    made = run("steps: {one: {chain: knows.yaml}}")

    assert folder.calls == ["hush-hush-word"]
    assert "hush-hush-word" not in (made.folder / "run.json").read_text()


def test_code_inside_needs_trust_before_anything_runs(run, folder):
    """The outer chain's author may be known; who wrote the inner one is another question."""
    (folder.path / "words.py").write_text("def loud(text: str) -> str:\n    return text\n")

    with pytest.raises(NotTrusted):
        run(ONE)


def test_a_mistake_inside_keeps_the_run_from_starting(run, folder):
    """Nothing is called for a chain that cannot end well."""
    folder.write("broken.yaml", "steps: {say: {python: 'words.py:lound', with: {text: hi}}}")

    with pytest.raises(InvalidChain, match="lound"):
        run("""
            steps:
              one: {chain: inner.yaml, with: {words: hello}}
              two: {chain: broken.yaml}
        """)
    assert folder.calls == []


def test_an_interrupt_ends_what_runs_inside_and_is_recorded(folder):
    """Ctrl-C means all of it."""
    for name in ("fifo", "never"):
        os.mkfifo(folder.path / name)
    folder.write("slow.yaml", 'steps: {say: {python: "words.py:wait", with: {text: hi}}}')
    folder.write("outer.yaml", "steps: {one: {chain: slow.yaml}}")
    process = subprocess.Popen([sys.executable, "-m", "pipelines.cli", "run", "outer.yaml"])
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        with (folder.path / "fifo").open() as pipe:
            assert pipe.readline() == "here\n"
            process.send_signal(signal.SIGINT)
            assert pipe.read() == ""  # the function's process is gone
        assert process.wait() == 130
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
    (record,) = (folder.path / "outputs" / "outer").glob("*/run.json")
    assert json.loads(record.read_text())["status"] == "interrupted"


def test_the_outer_limit_of_a_place_holds(folder):
    """Whoever runs it all decides; what only an inner chain limits stays limited."""
    folder.write(
        "inner.yaml", "limits: {a/b: {concurrency: 1}, c/d: {concurrency: 2}}\nsteps: {x: {media: silence}}"
    )
    outer = load(
        folder.write("outer.yaml", "limits: {a/b: {concurrency: 3}}\nsteps: {x: {chain: inner.yaml}}")
    )

    assert {name: one.concurrency for name, one in limits_of(outer).items()} == {"a/b": 3, "c/d": 2}


def test_a_timeout_of_the_step_is_one_of_the_whole_chain(run, folder):
    """Its steps have their own; this one is what the outer chain can wait for."""
    os.mkfifo(folder.path / "fifo")
    os.mkfifo(folder.path / "never")
    folder.write("slow.yaml", 'steps: {say: {python: "words.py:wait", with: {text: hi}}}')
    reader = os.open(folder.path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    made = run("steps: {one: {chain: slow.yaml, timeout: 0.5s}}")
    os.close(reader)

    assert made.steps["one"].result.error.code == "timed-out"
    assert "slow.yaml took longer than 0.5 s" in made.steps["one"].result.error.message


def test_the_plan_shows_what_would_happen_inside(run, folder):
    """Kept or called, step by step, before anything is."""
    run(ONE)
    command = [sys.executable, "-m", "pipelines.cli", "plan", "outer.yaml", "--json"]
    kept = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["steps"][0]
    folder.write("outer.yaml", ONE.replace("hello", "farewell"))
    anew = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["steps"][0]

    assert (kept["action"], [one["action"] for one in kept["steps"]]) == ("keep", ["keep", "keep"])
    assert (anew["action"], [one["action"] for one in anew["steps"]]) == ("call", ["call", "keep"])
    assert anew["steps"][0]["arguments"]["text"] == "farewell calm"


def test_trust_covers_the_code_inside(folder):
    """One command for what one run does."""
    (folder.path / "words.py").write_text("def loud(text: str) -> str:\n    return text\n")
    folder.write("outer.yaml", ONE)
    trusted = subprocess.run([sys.executable, "-m", "pipelines.cli", "trust", "outer.yaml"], check=True)
    done = subprocess.run([sys.executable, "-m", "pipelines.cli", "run", "outer.yaml"], check=False)

    assert (trusted.returncode, done.returncode) == (0, 0)


def test_an_item_that_failed_inside_lets_the_step_fall_back(run, folder):
    """It has the class of its call, however deep it lies."""
    say = 'steps: {say: {python: "words.py:loud", each: [a, boom], with: {text: $item}}}'
    folder.write("items.yaml", f"{say}\noutputs: {{said: $say.texts}}")
    made = run("""
        steps:
          one:
            chain: items.yaml
            fallback: [{python: "words.py:loud", with: {text: quietly}}]
        outputs: {said: $one.texts}
    """)

    assert [one.value for one in made.outputs["said"]] == ["QUIETLY"]


def test_cache_false_holds_for_all_of_it(run, folder):
    """Whoever wants it anew wants every step of it anew."""
    once = ONE.replace("chain: inner.yaml", "chain: inner.yaml, cache: false")
    run(once)
    run(once)

    assert folder.calls == ["hello calm", "hello calm"]
