"""Going on with a run whose steps were answered by fallbacks: what the run has stays as it is."""

import anyio
import pytest
from conftest import calls_of
from hub_standin import ListedSpace, hub_standin
from stage import acting, joins
from web import Answer, say, web

from pipelines import Run
from pipelines.household.home import find_home
from pipelines.running.resume import begun_run, load_begun, resume
from pipelines.running.workshop import Settings

FALLEN_BACK = """
    steps:
      it:
        each: [one, two]
        space: FIRST
        endpoint: /say
        retry: {attempts: 1}
        with: {text: $item}
        fallback: [{space: ACTOR, endpoint: /say, with: {text: $item}}]
      end: {space: ACTOR, endpoint: /refuse, retry: {attempts: 1}, with: {words: stop, title: x}, needs: it}
    outputs: {said: $it.text}
"""


def go_on(run: Run) -> Run:
    """Resume a run."""
    settings = Settings()
    begun = begun_run(run.id, settings)
    return anyio.run(lambda: resume(begun, load_begun(begun, settings), settings))


def outputs(run: Run) -> object:
    """What its steps gave that is not nothing."""
    return {name: one["outputs"] for name, one in run.to_json()["steps"].items()}  # type: ignore[index, attr-defined]


class Recovering:
    """A first place that refuses the first so many calls."""

    def __init__(self, refusals: int) -> None:
        self.left = refusals

    def __call__(self) -> Answer:
        """The next answer."""
        self.left -= 1
        return say({"detail": "no"}, 401) if self.left >= 0 else say({"event_id": "e"})


@pytest.mark.parametrize(
    ("refusals", "joined"), [pytest.param(2, 2, id="every item"), pytest.param(1, 2, id="one item")]
)
def test_a_result_of_a_fallback_stays_the_result_where_the_first_place_recovered(
    run, actor, refusals, joined
):
    """Else a call that was paid is made again, and the run ends with another result."""
    before = calls_of(actor, "say")
    with web(acting(join=Recovering(refusals))) as first:
        broken = run(FALLEN_BACK, {"FIRST": first.url})
        again = go_on(broken)

    assert broken.status == again.status == "failed"
    assert outputs(again) == outputs(broken)
    assert joins(first.asked) == joined
    assert calls_of(actor, "say") == before + refusals


def test_a_chain_that_was_the_fallback_stays_the_result_where_the_first_place_recovered(run, actor, tmp_path):
    """What a nested chain made is no call of its own, and was paid for all the same."""
    (tmp_path / "inner.yaml").write_text(
        f"inputs: {{text: {{kind: text}}}}\nsteps: {{say: {{space: '{actor.url}', endpoint: /say,"
        " with: {text: $inputs.text}}}\noutputs: {text: $say.text}\n"
    )
    nested = FALLEN_BACK.replace("{space: ACTOR, endpoint: /say, with", "{chain: inner.yaml, with")
    with web(acting(join=Recovering(2))) as first:
        broken = run(nested, {"FIRST": first.url})
        again = go_on(broken)

    assert outputs(again) == outputs(broken)
    assert joins(first.asked) == 2


def test_a_step_in_a_chain_keeps_what_its_fallback_gave(run, actor, tmp_path):
    """A chain that is run by another one goes on as that one does."""
    with web(acting(join=Recovering(1))) as first:
        (tmp_path / "inner.yaml").write_text(
            f"steps: {{say: {{space: '{first.url}', endpoint: /say, with: {{text: a}},"
            f" fallback: [{{space: '{actor.url}', endpoint: /say, with: {{text: a}}}}]}}}}\n"
            "outputs: {text: $say.text}\n"
        )
        broken = run("""
            steps:
              it: {chain: inner.yaml}
              end: {space: ACTOR, endpoint: /refuse, with: {words: stop, title: x}, needs: it}
        """)
        again = go_on(broken)

    assert outputs(again) == outputs(broken)
    assert joins(first.asked) == 1


def test_a_first_place_that_sleeps_is_not_woken_for_a_result_that_is_there(run, actor, monkeypatch):
    """To wait for minutes and then not to call it helps nobody."""
    spaces = {"studio/ill": ListedSpace(actor.url, stages=["PAUSED"])}
    text = FALLEN_BACK.replace("        retry", "        timeout: {wake: 100ms}\n        retry", 1)
    with hub_standin(spaces) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        broken = run(text, {"FIRST": "studio/ill"})
        spaces["studio/ill"].stages = ["SLEEPING"]
        again = go_on(broken)

    assert outputs(again) == outputs(broken)
    assert "story" not in again.to_json()["steps"]["it"]


def test_a_space_that_a_search_found_stays_where_a_better_one_appears(run, actor, monkeypatch):
    """A search may answer otherwise tomorrow; the run has its result."""
    found = {"fair/right": ListedSpace(actor.url, relevance=0.5)}
    text = """
        steps:
          it: {find: say a text aloud, with: {text: hello}, gives: text}
          end: {space: ACTOR, endpoint: /refuse, with: {words: stop, title: x}, needs: it}
    """
    with web(acting()) as better, hub_standin(found) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        broken = run(text)
        for kept in find_home().signatures.glob("answers/*"):  # what the Hub said is asked anew after minutes
            kept.unlink()
        found["better/one"] = ListedSpace(better.url, relevance=0.99)
        again = go_on(broken)

    assert again.to_json()["steps"]["it"]["via"] == "fair/right"
    assert outputs(again) == outputs(broken)
    assert joins(better.asked) == 0
