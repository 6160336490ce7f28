"""What a key was used for is a bill: it must add up, and warn before it is too late."""

import time
from pathlib import Path

import pytest
from hub_standin import TOKEN, Holder, ListedSpace, hub_standin
from PIL import Image
from servers import serve

from pipelines.engine.gates import places_meant
from pipelines.engine.limits import Limits
from pipelines.household.home import find_home
from pipelines.journal import Intent, open_journal
from pipelines.planning.forecast import forecast
from pipelines.planning.planned import PlannedStep
from pipelines.planning.usage import rows
from spaces_registry.hub.account import GpuQuota
from spaces_registry.progress import Spent

DAY_S = 86400


@pytest.fixture(scope="module")
def workbench():
    """A running Gradio app."""
    with serve(Path(__file__).parents[1] / "pipelines" / "apps" / "workbench.py") as server:
        yield server


@pytest.fixture
def used():
    """Journal calls in the user's home: place, kind, how many days ago, what each took, and how it failed."""

    def make(*calls) -> None:
        with open_journal(find_home().journal) as journal:
            for place, kind, days_ago, spent, failure in calls:
                number = journal.sent(Intent("run", "s", 0, "key", kind, place, "/go", None)).call
                if failure:
                    journal.failed(number, "key", failure, None, spent=spent)
                else:
                    journal.received(number, "key", ("out",), spent)
                at = time.time() - days_ago * DAY_S
                with journal._connection as writer:  # noqa: SLF001 - no clock is handed to `sent`
                    writer.execute("UPDATE sent SET at = ? WHERE call = ?", (at, number))

    return make


CALLS = (
    ("ada/clip", "space", 0, Spent(gpu_s=20), None),
    ("ada/clip", "space", 0, Spent(), "busy"),
    ("ada/clip", "space", 1, Spent(gpu_s=22.5), None),
    ("replicate", "service", 1, Spent(usd=0.003, work_s=4.5), None),
    ("media", "media", 0, Spent(), None),
    ("ada/old", "space", 9, Spent(gpu_s=99), None),
)


def test_calls_add_up_by_day_and_place(used, spacechain):
    """Whoever pays asks `for what`, and then `when`."""
    used(*CALLS)
    both = spacechain("usage", "--json").json
    days = spacechain("usage", "--json", "--by", "day").json["rows"]
    places = spacechain("usage", "--json", "--by", "place", "--days", "30").json["rows"]

    assert [(one["place"], one["calls"], one["failed"], one["gpu_s"]) for one in both["rows"]] == [
        ("ada/clip", 2, 1, 20),
        ("replicate", 1, 0, 0),
        ("ada/clip", 1, 0, 22.5),
    ]
    assert both["total"] | {"day": 0} == both["total"] | {"day": 0, "calls": 4, "gpu_s": 42.5, "usd": 0.003}
    assert [(one["calls"], one["usd"]) for one in days] == [(2, 0), (2, 0.003)]
    assert [one["work_s"] for one in both["rows"]] == [0, 4.5, 0]
    assert both["total"]["work_s"] == 4.5
    assert {one["place"]: one["gpu_s"] for one in places} == {"ada/clip": 42.5, "ada/old": 99, "replicate": 0}


def test_work_here_is_told_when_asked_for(used, spacechain):
    """Ffmpeg's calls are nobody's bill."""
    used(*CALLS)

    assert "media" not in spacechain("usage").out
    assert "media" in spacechain("usage", "--here").out


def test_a_table_that_is_piped_has_whole_names(used, spacechain):
    """Names of Spaces are long, and somebody will look for one with grep."""
    used(("a-long-organisation/with-a-space-of-an-even-longer-name-v2", "space", 0, Spent(gpu_s=12345), None))
    out = spacechain("usage").out

    assert "12345 s" in out
    assert "a-long-organisation/with-a-space-of-an-even-longer-name-v2 " in out


def test_a_chain_s_limit_that_is_nearly_reached_is_a_warning(spacechain, here, place):
    """Four calls of five a day: the next run stops in its middle."""
    (here / "film.yaml").write_text("limits: {ada/clip: {per_day: 5}}\nsteps: {s: {media: probe}}\n")
    take(place(), 4)
    done = spacechain("usage", "--chain", "film.yaml")
    told = spacechain("usage", "--chain", "film.yaml", "--json").json["against"]

    assert "warning: ada/clip: 4 of 5 calls today" in done.err
    assert told == [{"name": "ada/clip", "what": "calls today", "used": 4, "limit": 5, "warn": True}]


def take(place, number: int) -> None:
    """Count calls as runs do."""
    import anyio  # noqa: PLC0415

    async def turns(limits) -> None:
        for _ in range(number):
            async with limits.turn(place):
                pass

    with open_journal(find_home().journal) as journal:
        anyio.run(turns, Limits({}, journal))


def test_a_run_ends_with_the_warning(spacechain, here, place):
    """Nobody asks for `usage` before the day that it is too late."""
    Image.new("RGB", (8, 8)).save(here / "still.png")
    (here / "film.yaml").write_text(
        "limits: {ada/clip: {per_day: 5}}\ninputs: {still: {kind: image, default: still.png}}\n"
        "steps: {s: {media: resize, with: {image: $inputs.still, width: 4}}}\n"
    )
    take(place(), 4)

    assert "warning: nearly used up: ada/clip: 4 of 5 calls today" in spacechain("run", "film.yaml").err


def test_the_hub_s_own_count_is_told_beside_ours(used, spacechain):
    """The quota is used in the browser too, of which we know nothing."""
    used(*CALLS)
    with hub_standin({}, holder=Holder(quota=(300, 30))) as hub:
        done = spacechain("usage", "--json", HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)

    [zero] = done.json["against"]
    assert (zero["name"], zero["used"], zero["limit"], zero["warn"]) == ("ZeroGPU", 270, 300, True)


def test_days_out_of_reach_are_refused(spacechain):
    """`--days 0` would say that nothing was used."""
    assert spacechain("usage", "--days", "0").code == 2


def test_a_day_begins_at_midnight_in_utc(journal):
    """Limits count so, and the two must agree."""
    journal.sent(Intent("run", "s", 0, "key", "space", "ada/clip", "/go", None))

    assert len(rows(journal, days=1, by="both")) == 1
    assert rows(journal, days=1, by="both", now=time.time() + DAY_S) == ()


def planned(name: str, calls: int | None, expects, steps=(), action="call") -> PlannedStep:
    return PlannedStep(name, "space", "ada/x", "/go", (), action, "", {}, {}, steps, calls, expects)


def test_a_forecast_counts_what_is_not_kept_and_what_is_nested(journal, place):
    """Three items of a nested chain with two GPU calls each are six calls."""
    from pipelines.engine.budget import expected  # noqa: PLC0415

    gpu = expected(place(hardware="zero-a10g"), journal)
    inner = (planned("a", 1, gpu), planned("b", 1, gpu), planned("c", 1, gpu, action="keep"))
    whole = forecast(
        [planned("film", 3, expected(place("film", kind="chain"), journal), inner)], GpuQuota(300, 300)
    )

    assert (whole.amounts.calls, whole.amounts.gpu_s, whole.fits, whole.at_least) == (6, 360, False, False)
    assert "more than is left of the quota: 300 s are left" in whole.told()
    assert forecast([planned("s", None, gpu)]).fits is None
    assert forecast([planned("s", None, gpu)]).told().startswith("expected: at least 1 call")


def test_a_plan_says_whether_the_quota_holds_it(spacechain, here, workbench):
    """The answer is worth most before the first call."""
    (here / "film.yaml").write_text(
        "steps: {s: {space: ada/bench, endpoint: /shout, with: {text: $item}, each: [a, b, c]}}\n"
    )
    spaces = {"ada/bench": ListedSpace(workbench.url, hardware="zero-a10g")}
    with hub_standin(spaces, holder=Holder(quota=(300, 100))) as hub:
        plan = spacechain("plan", "film.yaml", HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
        told = spacechain("plan", "film.yaml", "--json").json["expected"]

    assert (
        "expected: 3 calls, about 180 s of ZeroGPU; that is more than is left of the quota: 100 s" in plan.out
    )
    quota = {"quota_left_s": 100, "fits": False}
    assert told == {"calls": 3, "gpu_s": 180, "usd": 0, "at_least": False, **quota, "over_budget": []}


def test_a_plan_says_whether_the_budget_holds_it(spacechain, here, workbench):
    """A run that must end as blocked need not begin."""
    (here / "film.yaml").write_text(
        "budget: {calls: 2, usd: 1}\n"
        "steps: {s: {space: 'URL', endpoint: /shout, with: {text: $item}, each: [a, b, c]}}\n".replace(
            "URL", workbench.url
        )
    )
    plan = spacechain("plan", "film.yaml")
    told = spacechain("plan", "film.yaml", "--json").json["expected"]

    assert "expected: 3 calls; that is more than the budget of 2 calls" in plan.out
    assert told["over_budget"] == ["calls"]


@pytest.mark.parametrize(
    ("written", "told", "then"),
    [
        ("limits: {'%s': {per_day: 2}}", "the 2 calls that a day may have are made", "spacechain resume"),
        (
            "budget: {calls: 2}",
            "the budget of 2 calls is used up",
            "raise the chain's `budget` and run it again",
        ),
    ],
)
def test_a_run_that_may_call_no_more_is_blocked(spacechain, here, workbench, written, told, then):
    """Blocked is not failed: two of three are there, and the third waits for tomorrow or a larger budget.

    `resume` goes on with the chain as it was, so it would be blocked by the same budget again.
    """
    step = f"space: '{workbench.url}', endpoint: /shout, with: {{text: $item}}, each: [x, y, z], cache: false"
    text = written.replace("%s", workbench.url) + f"\nsteps: {{s: {{{step}}}}}\n"
    (here / "film.yaml").write_text(text)
    done = spacechain("run", "film.yaml")

    assert done.code == 5, done.err
    assert told in done.err
    assert then in done.err
    assert spacechain("usage", "--json").json["total"]["calls"] == 2


def test_a_limit_holds_for_a_space_by_its_alias_too(spacechain, here, workbench):
    """Who writes the same word in both places must not be left without a limit in silence."""
    (here / "spaces.yaml").write_text(f"bench: {workbench.url}\n")
    step = "space: bench, endpoint: /shout, with: {text: $item}, each: [x, y, z], cache: false"
    (here / "film.yaml").write_text(f"limits: {{bench: {{per_day: 2}}}}\nsteps: {{s: {{{step}}}}}\n")
    done = spacechain("run", "film.yaml")
    told = spacechain("usage", "--chain", "film.yaml", "--json").json["against"]

    assert done.code == 5, done.err
    assert "the 2 calls that a day may have are made" in done.err
    assert [(one["name"], one["used"]) for one in told] == [(workbench.url, 2)]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("flux", ("black-forest-labs/FLUX.1-dev",)),
        ("https://huggingface.co/spaces/ada/clip", ("ada/clip",)),
        ("ada/clip", ()),
        ("replicate", ()),
        ("huggingface", ()),
    ],
)
def test_a_name_in_limits_stands_for_what_it_stands_for_in_steps(name, meant):
    """An id, a vendor and a host are counted by themselves."""
    assert places_meant(name) == meant
