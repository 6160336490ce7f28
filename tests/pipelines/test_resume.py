"""Going on with a run: what was received is not asked for again, and what nobody knows is said."""

import anyio
import pytest

from pipelines import Run, run_chain
from pipelines.household.home import find_home
from pipelines.household.listing import UnknownRun
from pipelines.household.scratch import StillRunning, scratch_folder
from pipelines.journal import Intent, open_journal
from pipelines.running.resume import begun_run, load_begun, resume
from pipelines.running.workshop import Settings

TWO = """
    steps:
      first: {{space: "bench", endpoint: /wait, cache: {cache}, with: {{seconds: 0, text: {text}}}}}
      then: {{space: "bench", endpoint: /picky, retry: {{attempts: 1}}, with: {{text: bad}}, needs: first}}
    outputs: {{said: $first.text}}
"""


def go_on(name: str = "last") -> Run:
    """Resume a run."""
    settings = Settings()
    begun = begun_run(name, settings)
    return anyio.run(lambda: resume(begun, load_begun(begun, settings), settings))


@pytest.mark.parametrize("cache", ["true", "false"])
def test_a_resumed_run_makes_only_what_is_missing(run, workbench, cache):
    """Also a step that is made anew by every run is made once by each."""
    failed = run(TWO.format(cache=cache, text=f"resumed {cache}"))
    before = workbench.calls("wait"), workbench.calls("picky")

    again = go_on(failed.id)

    assert (failed.status, again.status) == ("failed", "failed")
    assert (again.id, again.folder) == (failed.id, failed.folder)
    assert (workbench.calls("wait"), workbench.calls("picky")) == (before[0], before[1] + 1)


def test_a_run_under_way_is_not_resumed(run):
    """Two processes on one run would pay for everything twice."""
    failed = run(TWO.format(cache="true", text="under way"))

    with scratch_folder(find_home().scratch, failed.id), pytest.raises(StillRunning):
        go_on(failed.id)


def test_a_run_that_nobody_knows_is_told():
    """A typo must not start anything."""
    with pytest.raises(UnknownRun):
        go_on("20260101-000000-ffffff")


@pytest.mark.parametrize(("attempts", "status"), [(1, "failed"), (2, "succeeded")])
def test_a_call_in_doubt_is_repeated_only_where_the_step_allows_it(chain, tmp_path, attempts, status):
    """It may have been made and paid for by a process that died."""
    text = f"""
        steps:
          say:
            space: "bench"
            endpoint: /shout
            retry: {{attempts: {attempts}}}
            with: {{text: doubtful {attempts}}}
    """
    first = run_chain(chain(text), out=tmp_path / "outputs")
    call = first.steps["say"].result.calls[0]
    with open_journal(find_home().journal) as journal:
        intent = Intent("dead", "say", 0, call.key, "space", call.via, "/shout", None)
        journal.sent(intent)

    again = run_chain(chain(text), out=tmp_path / "outputs", fresh=True)

    assert again.status == status
    error = again.steps["say"].to_json()["error"]
    assert (error and error["code"]) == (None if status == "succeeded" else "in-doubt")


def test_a_run_that_went_without_an_optional_input_is_resumed_without_it(run):
    """It was begun so; what the user left out is no mistake the second time."""
    first = run("""
        inputs: {picture: {kind: image, required: false}, words: {kind: text, required: false}}
        steps: {say: {space: "bench", endpoint: /shout, with: {text: "${{ inputs.words or 'none' }}"}}}
        outputs: {said: $say.text}
    """)

    assert (first.status, go_on(first.id).status) == ("succeeded", "succeeded")
