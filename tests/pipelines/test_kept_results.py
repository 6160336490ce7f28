"""The same call with the same inputs is not made twice, within a run and across runs."""

import json
import shutil

CHAIN = """
    inputs: {word: {kind: text}}
    steps:
      say:   {space: "bench", endpoint: /shout, with: {text: $inputs.word}}
      again: {space: "bench", endpoint: /shout, with: {text: "${{ say.text }}!"}}
    outputs: {said: $again.text}
"""


def test_a_second_run_makes_no_call(run, workbench):
    """What was made, and maybe paid for, is there."""
    run(CHAIN, {"word": "kept"})
    before = workbench.calls("shout")
    second = run(CHAIN, {"word": "kept"})

    assert workbench.calls("shout") == before
    assert second.outputs["said"].value == "KEPT!"
    assert all(step.to_json()["cached"] for step in second.steps.values())


def test_fresh_makes_every_call_again(run, workbench):
    """Another throw of the dice is sometimes what one wants."""
    run(CHAIN, {"word": "fresh"})
    before = workbench.calls("shout")
    run(CHAIN, {"word": "fresh"}, fresh=True)

    assert workbench.calls("shout") == before + 2


def test_redo_makes_one_step_again_and_what_reads_from_it(run, workbench):
    """What stands before it stays."""
    run(CHAIN, {"word": "redo"})
    before = workbench.calls("shout")
    done = run(CHAIN, {"word": "redo"}, redo=["again"])

    assert workbench.calls("shout") == before + 1
    assert done.steps["say"].to_json()["cached"]


def test_only_runs_a_step_and_what_it_needs(run, workbench):
    """To try the beginning of a long chain."""
    before = workbench.calls("shout")
    done = run(CHAIN, {"word": "only"}, only=["say"])

    assert workbench.calls("shout") == before + 1
    assert done.status == "succeeded"
    assert done.steps["again"].to_json()["status"] == "skipped"


def test_other_inputs_are_another_call(run, workbench):
    """What is asked decides, not who asks."""
    run(CHAIN, {"word": "one"})
    before = workbench.calls("shout")
    run(CHAIN, {"word": "two"})

    assert workbench.calls("shout") == before + 2


def test_the_same_call_twice_in_one_run_is_made_once(run, workbench):
    """Repeated prompts in a list cost nothing."""
    before = workbench.calls("shout")
    done = run("""
        steps: {all: {each: [same, same, same], space: "bench", endpoint: /shout, with: {text: $item}}}
        outputs: {all: $all.text}
    """)

    assert [one.value for one in done.outputs["all"]] == ["SAME"] * 3
    assert workbench.calls("shout") == before + 1


def test_cache_false_asks_every_time(run, workbench):
    """For what is meant to be random."""
    text = """
        steps:
          all: {each: [dice, dice], cache: false, space: "bench", endpoint: /shout, with: {text: $item}}
    """
    before = workbench.calls("shout")
    run(text)
    run(text)

    assert workbench.calls("shout") == before + 4


def test_a_result_whose_file_is_gone_is_made_again(run, workbench, home):
    """A store that was cleaned must not break a run."""
    text = """
        steps: {pictures: {space: "bench", endpoint: /draw, with: {colour: green, count: 1}}}
        outputs: {all: $pictures.image}
    """
    run(text)
    before = workbench.calls("draw")
    shutil.rmtree(home / "store")
    done = run(text)

    assert workbench.calls("draw") == before + 1
    assert done.outputs["all"].path.stat().st_size > 0


def test_run_json_tells_where_each_result_came_from(run, workbench):
    """Months later it must be clear what made a picture."""
    done = run(CHAIN, {"word": "record"})
    record = json.loads((done.folder / "run.json").read_text())

    assert record["status"] == "succeeded"
    assert record["inputs"] == {"word": "record"}
    assert record["steps"]["say"]["via"] == workbench.url
    assert record["steps"]["say"]["endpoint"] == "/shout"
    assert record["steps"]["say"]["attempts"] == 1
    assert record["outputs"] == {"said": {"kind": "text", "value": "RECORD!"}}


def test_equal_calls_that_are_not_kept_run_at_the_same_time(run, workbench_of_its_own):
    """Four throws of the dice wait for each other no more than four different calls."""
    done = run(f"""
        steps:
          all:
            each: [a, a, a, a]
            cache: false
            space: {workbench_of_its_own.url}
            endpoint: /meet
            with: {{count: 4, text: $item}}
    """)

    assert done.ok
    assert workbench_of_its_own.calls("most-meet") == 4
