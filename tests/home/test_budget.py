"""A budget is a promise about money: what would break it is not sent, and what fits is."""

import anyio
import pytest

from chains.model import Budget
from pipelines.engine.budget import BudgetExceeded, Budgets, expected, used_by
from spaces_registry.errors import Busy, Crashed
from spaces_registry.progress import Spent

pytestmark = pytest.mark.anyio


async def take(budgets, place, told=None) -> None:
    """Make a call that says it took so much."""
    async with budgets.allow(place) as share:
        if told is not None:
            share.spent(told)


async def test_a_call_beyond_the_budget_is_refused_before_it_is_made(journal, place):
    """GPU seconds cannot be given back: the refusal must come first, and say what to do."""
    budgets = Budgets(Budget(gpu_s=100), journal)
    clip = place(hardware="zero-a10g")
    await take(budgets, clip, Spent(gpu_s=70))

    with pytest.raises(BudgetExceeded) as refused:
        await take(budgets, clip)

    assert refused.value.message == (
        "ada/clip is not called: it is expected to take 60 s of GPU,"
        " and of the budget of 100 s of GPU, 30 s of GPU are left"
    )
    assert (refused.value.code, refused.value.left) == ("budget-exceeded", 30)
    assert "raise `gpu` of the chain's `budget`" in refused.value.hint


async def test_what_calls_took_before_is_what_they_are_expected_to_take(journal, place, call):
    """A Space that takes ten seconds must not be refused for the sixty that a stranger might take."""
    clip = place(hardware="zero-a10g")
    for gpu_s in (8, 12):
        call(clip, spent=Spent(gpu_s=gpu_s))

    assert expected(clip, journal).gpu_s == 10


async def test_without_experience_the_place_s_own_word_counts(journal, place):
    """The first call is the one that nobody has experience with."""
    service = place("replicate", kind="service", price=Spent(usd=0.003))

    assert expected(service, journal).usd == 0.003
    assert expected(place(hardware="zero-a10g"), journal).gpu_s == 60
    assert expected(place(hardware="cpu-basic"), journal).gpu_s == 0


async def test_calls_side_by_side_do_not_exceed_it_together(journal, place):
    """Each would fit alone; sent at once they would take twice what is there."""
    budgets = Budgets(Budget(gpu_s=100), journal)
    clip = place(hardware="zero-a10g")
    ends, most = [], 0
    under_way = 0

    async def one() -> None:
        nonlocal under_way, most
        async with budgets.allow(clip) as share:
            under_way += 1
            most = max(most, under_way)
            await anyio.lowlevel.checkpoint()
            share.spent(Spent(gpu_s=10))
            under_way -= 1
        ends.append(1)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)

    assert (most, len(ends), budgets.used.gpu_s) == (1, 5, 50)


async def test_a_call_that_is_cancelled_while_it_waits_keeps_nothing(journal, place):
    """An interrupted item must not take the rest of the budget with it."""
    budgets = Budgets(Budget(calls=1), journal)
    clip = place()
    async with budgets.allow(clip), anyio.create_task_group() as tasks:
        tasks.start_soon(take, budgets, place("ada/other", kind="model"))
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()

    assert budgets.used.calls == 1


@pytest.mark.parametrize(("failure", "gpu_s"), [(Crashed, 60), (Busy, 0)])
async def test_a_failure_counts_if_the_place_had_begun(journal, place, failure, gpu_s):
    """A crash used the GPU and says nothing of it; a full queue used none."""
    budgets = Budgets(Budget(gpu_s=100), journal)
    with pytest.raises(failure):
        async with budgets.allow(place(hardware="zero-a10g")):
            raise failure("ada/clip", "no")

    assert budgets.used.gpu_s == gpu_s


async def test_work_here_is_free(journal, place):
    """A budget is about what others ask for, not about ffmpeg."""
    budgets = Budgets(Budget(calls=0), journal)
    await take(budgets, place("media", kind="media"))

    with pytest.raises(BudgetExceeded):
        await take(budgets, place())


async def test_a_nested_chain_counts_in_both_budgets(journal, place):
    """A recipe inside another must fit its own budget and that of whoever calls it."""
    outer = Budgets(Budget(calls=3), journal)
    inner = Budgets(Budget(calls=2), journal, outer=outer)
    await take(inner, place())
    await take(inner, place())

    with pytest.raises(BudgetExceeded):
        await take(inner, place())
    await take(outer, place())
    with pytest.raises(BudgetExceeded):
        outer.check(place())
    assert (inner.used.calls, outer.used.calls) == (2, 3)


async def test_a_refusal_outside_keeps_nothing_inside(journal, place):
    """A refused call must not leave its expectation behind in any of the budgets around it."""
    outer = Budgets(Budget(calls=5), journal)
    inner = Budgets(Budget(calls=0), journal, outer=outer)
    with pytest.raises(BudgetExceeded):
        await take(inner, place())

    for _ in range(5):
        await take(outer, place())
    assert outer.used.calls == 5


async def test_a_resumed_run_goes_on_counting(journal, place, call):
    """Resuming again and again must not be a way around the budget."""
    service = place("replicate", kind="service")
    call(service, run="mine", spent=Spent(usd=0.04))
    call(service, run="mine", failure="crashed")
    call(place("media", kind="media"), run="mine")
    call(service, run="another", spent=Spent(usd=9))
    used = used_by("mine", journal)

    assert (used.calls, used.usd) == (2, 0.04)
    with pytest.raises(BudgetExceeded):
        Budgets(Budget(calls=2), journal, used).check(service)
