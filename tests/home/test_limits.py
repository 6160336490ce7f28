"""A place's limits hold for all who call it; whoever waits gets a turn, in order, and hears why."""

from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import pytest

from chains.model import Limit
from pipelines.cli.live import watching
from pipelines.engine.events import CallTold, StepStarted
from pipelines.engine.limits import Limits
from spaces_registry.errors import OutOfQuota, RateLimited
from spaces_registry.progress import Held

pytestmark = pytest.mark.anyio


@pytest.fixture
def limits(journal, clock):
    """Limits as a chain writes them."""

    def make(**written) -> Limits:
        named = {name.replace("__", "/"): limit for name, limit in written.items()}
        return Limits(named, journal, now=clock.now, sleep=clock.sleep)

    return make


async def settle() -> None:
    """Let every task go on until it waits."""
    for _ in range(5):
        await anyio.lowlevel.checkpoint()


async def crowd(limits, place, number) -> int:
    """Begin so many calls that do not end; how many of them have their turn."""
    begun = 0

    async def one() -> None:
        nonlocal begun
        async with limits.turn(place):
            begun += 1
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        for _ in range(number):
            tasks.start_soon(one)
        await settle()
        tasks.cancel_scope.cancel()
    return begun


async def test_four_calls_at_once_unless_somebody_says_otherwise(limits, place):
    """A public Space is everybody's; the chain's word is taken before the service file's."""
    filed = place("replicate", kind="service", limit=Limit(concurrency=2))

    assert await crowd(limits(), place(), 9) == 4
    assert await crowd(limits(), filed, 9) == 2
    assert await crowd(limits(replicate=Limit(concurrency=3)), filed, 9) == 3
    assert await crowd(limits(ada__clip=Limit(concurrency=7)), place(), 9) == 7


async def test_a_name_for_several_places_limits_them_together(limits, place):
    """A key's allowance belongs to the account, not to each model that it is used for."""
    ours = limits(huggingface=Limit(concurrency=5))
    begun = 0

    async def one(where) -> None:
        nonlocal begun
        async with ours.turn(where):
            begun += 1
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        for where in (place(), place("eve/voice", site="https://eve-voice.hf.space")) * 4:
            tasks.start_soon(one, where)
        await settle()
        assert begun == 5
        tasks.cancel_scope.cancel()


async def test_a_service_file_s_limit_is_the_vendor_s_not_each_model_s(limits, place):
    """A vendor counts what comes with the key, whichever model it is for."""
    ours, limit = limits(), Limit(concurrency=2, per_minute=3)
    flux, kling = (
        place(f"replicate {one}", kind="service", names=("replicate",), limit=limit)
        for one in ("flux", "kling")
    )
    async with ours.turn(flux), ours.turn(kling):
        assert (ours.free(flux), ours.free(kling)) == (0, 0)
    assert (ours.free(flux), ours.free(kling)) == (1, 1)


async def test_a_nested_chain_takes_no_turn(limits, place):
    """It would hold what its own steps wait for."""
    assert await crowd(limits(), place("film.yaml", kind="chain"), 50) == 50


async def test_turns_are_given_in_the_order_of_coming(limits, place):
    """Who came first must not wait for ever behind who came later."""
    ours, order = limits(ada__clip=Limit(concurrency=1)), []

    async def one(number) -> None:
        async with ours.turn(place()):
            order.append(number)
            await settle()

    async with anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(one, number)

    assert order == [0, 1, 2, 3, 4, 5]


async def test_who_waits_for_one_place_holds_up_no_other(limits, place):
    """A slow Space must not stop the healthy one beside it."""
    ours = limits(ada__clip=Limit(concurrency=1), huggingface=Limit(concurrency=8))
    async with anyio.create_task_group() as tasks, ours.turn(place()):
        tasks.start_soon(crowd, ours, place(), 3)
        await settle()
        async with ours.turn(place("eve/voice", site="https://eve-voice.hf.space")):
            tasks.cancel_scope.cancel()


async def test_cancelled_callers_lose_no_slot(limits, place):
    """An interrupted item must leave its place to others, whether it waited or had its turn."""
    ours = limits(ada__clip=Limit(concurrency=2))
    for _ in range(3):
        assert await crowd(ours, place(), 5) == 2

    assert ours.free(place()) == 2


async def test_the_minute_slides(limits, place, clock):
    """Ten a minute means in any sixty seconds; the eleventh waits just for the first to be a minute old."""
    ours, heard = limits(ada__clip=Limit(per_minute=2)), []
    for _ in range(2):
        async with ours.turn(place()):
            clock.at += 10

    async with ours.turn(place(), heard.append):
        pass

    assert heard == [Held("2 a minute", 40)]
    assert clock.slept == [40]


async def test_everybody_in_a_long_line_gets_a_turn(limits, place, clock):
    """Only the first in the line looks at the clock; it must hand that on to the next."""
    ours, began = limits(ada__clip=Limit(per_minute=1)), []
    start = clock.at

    async def one() -> None:
        async with ours.turn(place()):
            began.append(clock.at - start)

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)

    assert began == [0, 60, 120, 180]


async def test_the_minute_is_counted_over_runs(limits, place, clock):
    """The vendor counts what the key does, not what one run does."""
    async with limits().turn(place()):  # a run that limits nothing
        pass

    async with limits(ada__clip=Limit(per_minute=1)).turn(place()):
        pass
    assert clock.slept == [60]


async def test_the_smaller_number_of_chain_and_service_file_counts(limits, place):
    """A chain may be more careful than the vendor asks for, and not less."""
    service = place("replicate", kind="service", limit=Limit(per_minute=2, per_day=5))

    assert limits(replicate=Limit(per_minute=9, per_day=3)).free(service) == 2
    assert limits(replicate=Limit(per_day=1)).free(service) == 1


async def test_a_day_s_calls_end_with_the_day(limits, place, clock):
    """A spent day is a quota: the policy falls back, or parks the run and says from when it goes on."""
    clock.at = datetime(2026, 11, 21, 23, 0, tzinfo=UTC).timestamp()
    ours = limits(ada__clip=Limit(per_day=1))
    async with ours.turn(place()):
        pass

    with pytest.raises(OutOfQuota) as refused:
        async with ours.turn(place()):
            pass
    assert refused.value.wait_s == 3600
    assert "2026-11-22 00:00 UTC" in refused.value.hint

    clock.at += 3600
    async with ours.turn(place()):
        pass


async def test_a_place_that_asks_for_a_pause_gets_it_from_all(limits, place, clock):
    """One caller was told to come back later: the other twenty must not ask too."""
    ours, heard = limits(), []
    with pytest.raises(RateLimited):
        async with ours.turn(place()):
            raise RateLimited("ada/clip", "too many", wait_s=30)
    assert ours.free(place()) == 0

    async with ours.turn(place(), heard.append):
        pass
    assert (heard, clock.slept) == ([Held("it asked to be left alone", 30)], [30])


async def test_a_pause_holds_in_other_processes_too(journal, place, call):
    """The vendor told the key to wait; which of our processes heard it is no concern of his."""
    call(place(), failure="rate-limited", wait_s=3600)

    with pytest.raises(RateLimited) as refused:
        async with Limits({}, journal).turn(place(), patience_s=60):
            pass
    assert 3500 < refused.value.wait_s <= 3600


async def test_who_has_no_time_for_a_pause_does_not_stand_behind_who_has(journal, place, clock):
    """Its fallback is free meanwhile; the line must not keep it from knowing."""
    ours, left = Limits({}, journal, now=clock.now, sleep=lambda _: anyio.sleep_forever()), []
    ours.hold(place(), 3600)

    async def one(patience_s: float) -> None:
        try:
            async with ours.turn(place(), patience_s=patience_s):
                pass
        except RateLimited:
            left.append(patience_s)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one, 9999)
        await settle()
        tasks.start_soon(one, 60)
        await settle()
        tasks.cancel_scope.cancel()
    assert left == [60]


async def test_free_slots_are_told_for_spreading(limits, place):
    """Items go where there is room; one that is under way takes some."""
    ours = limits()
    async with ours.turn(place()):
        assert (ours.free(place()), ours.free(place("eve/voice"))) == (3, 4)


async def test_a_long_wait_has_a_line_in_a_log_and_a_short_one_has_none(capsys):
    """A log that stands still for a minute looks like a program that hangs."""
    with watching(["film"], events=False, quiet=False) as tell:
        tell(StepStarted("film", "ada/clip", 3))
        tell(CallTold("film", 0, Held("4 at once")))
        tell(CallTold("film", 1, Held("10 a minute", 0.4)))
        tell(CallTold("film", 2, Held("10 a minute", 42.0)))
        tell(CallTold("film", 3, Held("10 a minute", 42.0)))

    assert capsys.readouterr().err.splitlines()[1:] == ["film: held back (10 a minute), about 42 s"]
