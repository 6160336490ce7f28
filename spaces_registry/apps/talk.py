"""One call's way through an app's queue: join, wait, follow its stream, abandon.

Source: `gradio/routes.py` and `gradio/queueing.py` (protocols `sse_v1` to `sse_v3`).
"""

import math
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import anyio
import httpx2

from spaces_registry.apps.in_flight import CallsInFlight, SentCall
from spaces_registry.apps.pickup import Pickup
from spaces_registry.apps.schema import mapping, sequence
from spaces_registry.apps.stream import DIFFED, Outputs, event_of, messages
from spaces_registry.clocks import Clocks
from spaces_registry.errors import BadOutput, CallFailed, Crashed, InDoubt, OverBound, TimedOut, Unreachable
from spaces_registry.network.decoding import LEVELS, Bloated, answered, is_deep
from spaces_registry.network.intake import Rule, beginning
from spaces_registry.network.origin import Origin, patience
from spaces_registry.network.refusals import line, not_json, refused_by_status
from spaces_registry.network.spoken import refused_by_app
from spaces_registry.progress import Listener, Progress, Queued, Spent
from spaces_registry.signature import Endpoint, Json, Space

_CANCEL_S = 3.0  # for telling the app that a call is not wanted any more
_END_S = 0.5  # for a stream to end once its result is there
_FIRST_S = 5.0  # for the first word on a call that was sent earlier: Gradio has kept it
_LONGEST_QUEUE = 1_000_000  # calls; more are a joke
_LONGEST_S = 30 * 86400.0  # that a call can have worked
_ANSWER_S = 0.2  # for an answer to reach us
_TELLING = (4, 40)  # from here on a `gr.Error` has a `duration` in its message, and no other exception has
_BEAT_S, _LATE_S = 15.0, 10.0  # between two signs of life of Gradio's on an open stream; how late one may be
_LOOK_S = 2.0  # between two looks at the queue of a call that is left alone


class NeverBegun(Exception):
    """The call was taken out of the queue before its work began: to send it is no repetition."""


class Talk:
    """One call's way through the queue.

    Args:
        space: whose queue.
        origin: where it lives.
        endpoint: what is called.
        session: Gradio's session hash: of this call alone.
        clocks: the time limits.
        tell: hears what happens.
    """

    def __init__(
        self, space: Space, origin: Origin, endpoint: Endpoint, session: str, clocks: Clocks, tell: Listener
    ) -> None:
        self.origin, self.prefix, self.place = origin, space.prefix, space.address
        self.is_zero = (space.hardware or "").startswith("zero")
        self.endpoint, self.session, self.clocks, self.tell = endpoint, session, clocks, tell
        self.is_vague = _is_before(space.gradio, _TELLING)
        is_named = endpoint.wire.index is None  # `/call/{name}` sends whole values in every protocol
        is_diffed = space.protocol in DIFFED and not is_named
        self.outputs = Outputs(is_diffed, most_bytes=origin.bounds.answer_bytes)
        self.event_id: str | None = None
        self.found: list[Any] | None = None
        self.work_s: float | None = None
        self.is_running = False
        self.is_left_alone = False
        self.is_found_again = False
        self.was_left = False
        self.silent_s = self.forgotten_at = math.inf
        self.sent_at = self.heard_at = self.away_s = 0.0
        self.scope = anyio.CancelScope()
        self.ends_at = 0.0

    def watch(self, scope: anyio.CancelScope) -> None:
        """Start the clocks: the scope is what they end."""
        self.heard_at = anyio.current_time()
        self.scope, self.ends_at = scope, self.heard_at + self.clocks.queue_s
        self._alive()

    def _alive(self) -> None:
        """A sign of life came. While it works an app may be silent as long as `run_s` allows: many block."""
        if self.is_found_again:  # signs of life come also where the result was fetched before
            return
        silent_until = math.inf if self.is_running else anyio.current_time() + self.clocks.quiet_s
        self.scope.deadline = min(self.ends_at, silent_until, self.forgotten_at)

    def late(self) -> CallFailed | NeverBegun:
        """What the clock that ran out means."""
        clocks = self.clocks
        if self.is_found_again and self.was_left and self.event_id is not None:
            return NeverBegun()
        if self.is_found_again or anyio.current_time() >= self.forgotten_at:
            return InDoubt(self.place)
        if self.is_running:
            return TimedOut(self.place, f"{self.place} did not finish within {clocks.run_s:g} s of work")
        if anyio.current_time() >= self.ends_at:
            return TimedOut(self.place, f"{self.place}: waited {clocks.queue_s:g} s in its queue")
        return Unreachable(self.place, f"{self.place}: its queue fell silent")

    async def join(self, data: list[Json]) -> None:
        """Put the call into the queue."""
        asked: dict[str, Json] = {"data": data, "session_hash": self.session}
        path = f"/call{quote(self.endpoint.name)}"
        if self.endpoint.wire.index is not None:
            asked["fn_index"], path = self.endpoint.wire.index, "/queue/join"
        timeout = patience(self.clocks.connect_s, self.clocks.quiet_s)
        headers = {"x-gradio-user": "api"}
        response = await self.origin.send(
            "POST",
            self.prefix + path,
            limits=timeout,
            at_most_bytes=self.origin.bounds.refusal_bytes,
            json=asked,
            headers=headers,
        )
        self.heard_at = anyio.current_time()
        doing = f"calling {self.endpoint.name}"
        if not response.is_success:
            raise refused_by_status(self.place, response, doing)
        match _json(response):
            case {"event_id": str(event_id)}:
                self.event_id = event_id
            case _:
                raise not_json(self.place, response, doing)

    async def wait(self, pickup: Pickup) -> None:
        """Leave the result in the app's memory until it is likely to be there.

        Gradio throws a result away whose stream broke, and keeps one whose stream was never opened.
        """
        self.is_left_alone = True
        if (left_s := pickup.left_s()) <= 0 or pickup.earliest_s is not None:
            await anyio.sleep(left_s)
            self.heard_at = anyio.current_time()
            return
        started = anyio.current_time()
        latest = started + left_s + self.clocks.queue_s  # whatever the app says of its queue
        self.scope.deadline = latest + self.clocks.queue_s
        length = await self._queue_length() or 0  # each of those ahead takes about as long as this one
        ends_at = min(latest, started + left_s + length * (pickup.work_s or 0.0))
        while ends_at > anyio.current_time():
            if length:
                self.tell(Queued(length, length, ends_at - anyio.current_time()))
            gone_s, whole_s = anyio.current_time() - started, ends_at - started
            self.tell(Progress(gone_s, whole_s, min(1.0, gone_s / whole_s), "s", "expected"))
            await anyio.sleep(min(_LOOK_S, max(0.0, ends_at - anyio.current_time())))
            if (now := await self._queue_length()) is not None:
                length = now  # no more than these are ahead, however long each of them was expected to take
                at_most_s = pickup.closed_s + length * (pickup.work_s or 0.0)
                ends_at = min(ends_at, anyio.current_time() + at_most_s)
        self.ends_at = anyio.current_time() + self.clocks.queue_s
        self._alive()

    async def wait_for_work(self, pickup: Pickup, calls: CallsInFlight, call: SentCall) -> None:
        """Leave the result in the app's memory until just before it can be there; never longer.

        The work begins when the call is sent, unless calls of our own certainly stand before it.
        """
        self.is_left_alone = True
        joined_at = begun_at = anyio.current_time()
        self.ends_at = joined_at + self.clocks.queue_s
        self.scope.deadline = self.ends_at + pickup.closed_s
        while calls.before(call) and not calls.may_have_begun(call, length := await self._queue_length()):
            begun_at = anyio.current_time()
            self.tell(Queued(length or 0, length or 0, None))
            if await calls.wait_for_end(_LOOK_S):  # which makes room for this one
                begun_at = anyio.current_time() - _ANSWER_S
        opens_at = begun_at + pickup.closed_s
        while (left_s := opens_at - anyio.current_time()) > 0:
            gone_s = pickup.closed_s - left_s
            self.tell(Progress(gone_s, pickup.closed_s, gone_s / pickup.closed_s, "s", "expected"))
            await anyio.sleep(min(_LOOK_S, left_s))
        self.heard_at = anyio.current_time()
        self.ends_at = self.heard_at + self.clocks.queue_s
        self._alive()

    async def _queue_length(self) -> int | None:
        """How many calls wait in the app's queue, by its own status; None if it does not tell."""
        try:
            response = await self.origin.send(
                "GET",
                f"{self.prefix}/queue/status",
                limits=patience(_LOOK_S, _LOOK_S),
                at_most_bytes=self.origin.bounds.refusal_bytes,
            )
        except CallFailed:
            return None
        self._heed_silence()
        length = mapping(_json(response)).get("queue_size")
        return min(length, _LONGEST_QUEUE) if isinstance(length, int) else None

    async def follow(self, pickup: Pickup) -> None:
        """Listen until the result is there, and on to the stream's end, which frees its connection."""
        url = f"{self.origin.root}{self.prefix}/queue/data?session_hash={self.session}"
        timeout = patience(self.clocks.connect_s, None)
        self.is_left_alone = False
        if self.event_id is None:
            self.is_found_again, self.was_left, self.silent_s = True, pickup.was_left, pickup.silent_s
            self.scope.deadline = anyio.current_time() + min(_FIRST_S, self.clocks.quiet_s)
        bounds = self.origin.bounds
        asking = self.origin.stream("GET", url, limits=timeout, rule=Rule(bounds.stream_bytes))
        async with asking as response, self.origin.bordered():
            if not response.is_success:
                await response.aread()
                raise refused_by_status(self.place, response, f"waiting for {self.endpoint.name}")
            if "event-stream" not in response.headers.get("content-type", ""):
                came = await beginning(response, bounds.refusal_bytes)
                raise not_json(self.place, came, f"waiting for {self.endpoint.name}")
            try:
                async for message in messages(response.aiter_bytes(), bounds.answer_bytes):
                    if self.found is None:
                        self._hear(message)
            except ValueError as cause:
                failed = OverBound if isinstance(cause, Bloated) else BadOutput
                raise failed(self.place, f"{self.place}: its event stream cannot be read: {cause}") from cause
        if self.found is None:
            how = f"{self.place}: the connection ended before {self.endpoint.name} did"
            raise Unreachable(self.place, how, hint="the app may have crashed or restarted")

    def _hear(self, message: Mapping[str, Any]) -> None:
        """Take one message; the last one holds the result."""
        self._heed_silence()
        event_id = message.get("event_id")
        if self.event_id is None and isinstance(event_id, str):
            self.event_id = event_id  # sent by an earlier process, whose session had this call alone
        if event_id not in (None, self.event_id):
            return
        if event_id is not None:
            self._found_again(has_begun=message.get("msg") != "estimation")
        output = mapping(message.get("output"))
        match message.get("msg"):
            case "process_starts" if not self.is_running:  # told again and again, it would never end
                self.is_running, self.ends_at = True, anyio.current_time() + self.clocks.run_s
            case "process_generating" | "process_streaming" if isinstance(output.get("data"), list):
                self.outputs.take(output["data"])
            case "process_completed":
                self.found = self._complete(message, output)
                self.scope.deadline = anyio.current_time() + _END_S
                return
            case "unexpected_error":
                said = str(message.get("message") or "") or None
                if message.get("session_not_found"):
                    raise InDoubt(self.place, said)
                raise Unreachable(
                    self.place, f"{self.place}: the app stopped: {line(said or '?')}", said=said
                )
        self._alive()
        if (event := event_of(message, self.outputs)) is not None:
            self.tell(event)

    def _heed_silence(self) -> None:
        """Count for how long the app gave no sign of life: it may have been stopped, and not have worked."""
        now = anyio.current_time()
        if (silent_s := now - self.heard_at) > _BEAT_S + _LATE_S:
            self.away_s += silent_s - _BEAT_S
        self.heard_at = now

    def _found_again(self, *, has_begun: bool) -> None:
        """A word on a call that an earlier process sent.

        Of a call whose stream was opened and lost, some words may be left that nobody heard: none follows.
        """
        self.forgotten_at = anyio.current_time() + self.silent_s
        if has_begun or not self.was_left:  # one that was left waited in the queue no more
            self.is_found_again = False

    def _complete(self, message: Mapping[str, Any], output: Mapping[str, Any]) -> list[Any]:
        if message.get("success") is False or "error" in output:
            said, title = output.get("error"), output.get("title") or message.get("title")
            title = title if isinstance(title, str) else None
            words = said if isinstance(said, str) else None
            is_spoken = "duration" in output or (None if self.is_vague else False)
            raise refused_by_app(self.place, words, title, is_spoken=is_spoken)
        if not isinstance(output.get("data"), list):
            raise Crashed(self.place, f"{self.place}: the call was cancelled in the app")
        self._tell_duration(output.get("duration"))
        found = self.outputs.settle(sequence(output["data"]))
        if is_deep(found):  # differences may have nested what no single message nests
            raise OverBound(self.place, f"{self.place}: its answer is nested more than {LEVELS - 1} deep")
        if self.outputs.is_diffed and self.outputs.count > 1:  # they may have joined what was no secret
            joined: list[Any] = self.origin.scrub_all(found)
            return joined
        return found

    def _tell_duration(self, duration: object) -> None:
        if isinstance(duration, int | float) and 0 <= duration < _LONGEST_S:
            # an app's own clock went on while it was stopped: later calls would be waited for as long
            self.work_s = max(min(float(duration), _BEAT_S), duration - self.away_s)
            self.tell(Spent(gpu_s=float(duration) if self.is_zero else None, work_s=self.work_s))

    async def abandon(self, pickup: Pickup) -> None:
        """Tell the app that nobody waits any more: a queued call is removed, a generator stops.

        Work that cannot be stopped is left there, and its result can be fetched later.
        """
        with anyio.move_on_after(_CANCEL_S, shield=True):
            with suppress(CallFailed):  # it was on the way out anyway
                if await self._leave():
                    pickup.leaving(self.session, self.sent_at)
        if not self.is_left_alone:
            pickup.dropped()

    async def _leave(self) -> bool:
        """Tell the app; whether work on the call may go on."""
        if self.event_id is None:
            if not self.is_left_alone:  # whether it joined is not known: a stream that ends removes it
                url = f"{self.origin.root}{self.prefix}/queue/data?session_hash={self.session}"
                async with self.origin.stream("GET", url, limits=patience(_CANCEL_S, _CANCEL_S)):
                    pass
        elif self.is_left_alone and not self.endpoint.wire.generator:
            # as a stranger's wish this takes a call that waits out of the queue; as ours it would also take
            # the result from one that is worked on
            await self._cancel(uuid.uuid4().hex)
            return True
        else:
            self.is_left_alone = False
            await self._cancel(self.session, "/reset")
            await self._cancel(self.session)
        return False

    async def _cancel(self, session: str, path: str = "/cancel") -> None:
        index = self.endpoint.wire.index
        asked: dict[str, Json] = {"event_id": self.event_id, "session_hash": session}
        asked["fn_index"] = -1 if index is None else index
        limits = patience(_CANCEL_S, _CANCEL_S)
        await self.origin.send("POST", self.prefix + path, limits=limits, json=asked)


def _is_before(gradio: str | None, version: tuple[int, int]) -> bool:
    """Whether a Gradio is older than a version; one that does not tell its own is not."""
    numbers = (gradio or "").split(".")[:2]
    told = tuple(int(one) for one in numbers if one.isdecimal() and len(one) <= 4)  # noqa: PLR2004 - digits
    return len(told) == len(version) and told < version


def _json(response: httpx2.Response) -> Any:
    """The decoded body of a good answer, or None."""
    try:
        return answered(response.content) if response.is_success else None
    except ValueError:
        return None
