"""One running Gradio app, reached over HTTP: describe it, call it, cancel, fetch what it made.

Speaks Gradio's queue protocol (`sse_v1` to `sse_v3`); what speaks another one is left to `fallback`.
"""

import uuid
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import httpx2

from spaces_registry.apps.answers import names_files, outputs, with_files
from spaces_registry.apps.closed import is_closed
from spaces_registry.apps.description import Known, read_space
from spaces_registry.apps.files import Shelf, upload
from spaces_registry.apps.in_flight import CallsInFlight, SentCall
from spaces_registry.apps.payload import arrange, body, files_in
from spaces_registry.apps.pickup import Gate, Pickup
from spaces_registry.apps.schema import mapping
from spaces_registry.apps.stream import DIFFED
from spaces_registry.apps.talk import NeverBegun, Talk
from spaces_registry.clocks import Clocks
from spaces_registry.errors import (
    CallFailed,
    TimedOut,
    ToolkitError,
    Unauthorized,
    UnexpectedAnswer,
)
from spaces_registry.network.decoding import decoded
from spaces_registry.network.origin import Origin, patience, scrubbed
from spaces_registry.network.refusals import not_found, not_json, refused_by_status, words_of
from spaces_registry.progress import Listener, unheard
from spaces_registry.signature import Endpoint, Json, Kind, Space, Value

_SPOKEN = DIFFED | {"sse_v1"}
_PASSING = frozenset({429, 502, 503, 504})
_READ_S = 180.0  # for all of a description


class NotGradio(ToolkitError):
    """Something answers at the address, but it is no Gradio app."""

    code = "not-gradio"

    def __init__(self, address: str, why: str) -> None:
        hint = "only Gradio apps can be called; look for a Space whose SDK is gradio"
        super().__init__(f"{address} is not a Gradio app: {why}", hint=hint)
        self.address = address


async def log_in(origin: Origin, user: str, password: str, clocks: Clocks = Clocks()) -> None:
    """Log in to an app behind Gradio's own login; its cookie is kept with the origin.

    Raises:
        Unauthorized: the app refuses this user and password.
        CallFailed: it could not be asked.
    """
    form = {"username": user, "password": password}
    response = await origin.send(
        "POST", "/login", limits=patience(clocks.connect_s, clocks.quiet_s), data=form
    )
    if response.status_code in (400, 401, 403):
        message = f"{origin.place} refuses the user name or the password"
        raise Unauthorized(origin.place, message, said=words_of(response), hint="check them and try again")
    if not response.is_success and not response.has_redirect_location:
        raise refused_by_status(origin.place, response, "logging in")


async def describe(
    origin: Origin,
    clocks: Clocks = Clocks(),
    *,
    within_s: float = _READ_S,
    known: Known = Known(),  # noqa: B008 - frozen
) -> Space:
    """Read what the app at an origin says about itself.

    Args:
        origin: where the app lives; its place becomes the Space's address.
        clocks: `connect_s` and `quiet_s` of them.
        within_s: for all of it, however slowly it comes.
        known: what the Hub told of it.

    Returns:
        The Space; its `url` is where redirects led, if there were some.

    Raises:
        CallFailed: the app is not there, wants a login, or answers with something else than JSON, with
            too much of it or without end.
    """
    try:
        with anyio.fail_after(within_s):
            return await _read(origin, patience(clocks.connect_s, clocks.quiet_s), known)
    except TimeoutError as cause:
        message = f"{origin.place} did not finish describing itself within {within_s:g} s"
        raise TimedOut(origin.place, message) from cause


async def _read(origin: Origin, limits: httpx2.Timeout, known: Known) -> Space:
    response = await origin.send(
        "GET", "/config", limits=limits, at_most_bytes=origin.bounds.description_bytes
    )
    if response.status_code == httpx2.codes.NOT_FOUND:
        raise scrubbed(not_found(origin.place, response), origin)
    if not response.is_success:
        raise scrubbed(refused_by_status(origin.place, response, "asking for its configuration"), origin)
    config = _json(response)
    if not isinstance(config, dict) or not isinstance(config.get("dependencies"), list | dict):
        raise scrubbed(not_json(origin.place, response, "asking for its configuration"), origin)
    home = str(response.url)
    root = home.removesuffix("/config") if home.endswith("/config") else origin.root
    prefix = read_space(origin.place, root, config, None).prefix
    response = await origin.send(
        "GET",
        f"{prefix}/info?serialize=False",
        limits=limits,
        at_most_bytes=origin.bounds.description_bytes,
    )
    if response.status_code in _PASSING:  # what would be read instead knows less, and would be kept
        raise scrubbed(refused_by_status(origin.place, response, "asking what it offers"), origin)
    info = _json(response)
    openapi = None
    if not isinstance(mapping(info).get("named_endpoints"), Mapping):
        path = f"{prefix}/openapi.json"
        openapi = _json(
            await origin.send("GET", path, limits=limits, at_most_bytes=origin.bounds.description_bytes)
        )
    closed = await is_closed(origin, config, limits)
    return read_space(origin.place, root, config, info, openapi, known=known, is_closed=closed)


def _json(response: httpx2.Response) -> Any:
    """The decoded body of a good answer, or None."""
    try:
        return decoded(response.content) if response.is_success else None
    except ValueError:
        return None


@dataclass(slots=True)
class App:
    """One running Gradio app. Safe to use from many tasks at once.

    Attributes:
        space: what it offers.
        origin: where it lives, with what it may be told.
        is_doubtful: whether a call showed that the app may be gone or changed; connecting again helps.
    """

    space: Space
    origin: Origin = field(repr=False)
    is_doubtful: bool = False
    _gate: Gate = field(default_factory=Gate, repr=False)
    _in_flight: dict[str, CallsInFlight] = field(default_factory=dict, repr=False)

    async def call(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, Value],
        *,
        folder: Path,
        clocks: Clocks = Clocks(),
        tell: Listener = unheard,
        pickup: Pickup = Pickup(),  # noqa: B008 - frozen
    ) -> tuple[Value, ...]:
        """Make one call: send the files, wait for the turn and the result, fetch the files.

        Args:
            endpoint: one of `space.endpoints`.
            arguments: by parameter name; a file is a `File`, several are a sequence of them. A parameter that
                is not named gets its default.
            folder: an existing folder, for the files that come back.
            clocks: the time limits.
            tell: hears what happens meanwhile.
            pickup: how the result is fetched, and what an earlier process left of this very call.

        Returns:
            One value per return, in the signature's order: `File`s by the signature's kind, all else as JSON.

        Raises:
            InDoubt: an earlier process sent this call, and the app does not have its result.
            CallFailed: the class says what happened, `said` keeps the app's own words.
        """
        try:
            values = arrange(self.space.address, endpoint, arguments)
            if self.space.protocol not in _SPOKEN:
                from spaces_registry.apps.fallback import call_otherwise  # noqa: PLC0415 - seldom needed, heavy

                return await call_otherwise(
                    self.space, self.origin, endpoint, values, folder=folder, clocks=clocks, tell=tell
                )
            answer = await self._answer(endpoint, values, clocks, tell, pickup)
            shelf = Shelf(self.origin, self.space.prefix, folder)
            try:
                found = outputs(self.space.address, endpoint, answer, shelf.keep)
            except UnexpectedAnswer as failure:
                failure.answer = await self._whole(answer, folder, clocks, tell)
                raise
            await shelf.fill(clocks, tell)
        except CallFailed as failure:
            self.is_doubtful |= failure.code in ("unreachable", "drifted", "missing")
            raise scrubbed(failure, self.origin) from failure.__cause__
        return found

    async def _whole(self, answer: list[Any], folder: Path, clocks: Clocks, tell: Listener) -> Value:
        """All of an answer, with the files that it names, if they can be had."""
        shelf = Shelf(self.origin, self.space.prefix, folder)
        try:
            found = [with_files(one, shelf.keep) for one in answer]
            await shelf.fill(clocks, tell)
        except CallFailed:
            return answer
        return found

    async def _answer(
        self,
        endpoint: Endpoint,
        values: Mapping[str, Value],
        clocks: Clocks,
        tell: Listener,
        pickup: Pickup,
    ) -> list[Any]:
        """The app's positional answer: what an earlier process received or left there, else a new one."""
        if (received := pickup.received) is not None:
            return received
        if pickup.session is not None:
            talk = Talk(self.space, self.origin, endpoint, pickup.session, clocks, tell)
            talk.sent_at = pickup.sent_at or 0.0
            with suppress(NeverBegun):
                return await self._converse(talk, None, pickup)
            pickup = replace(pickup, job=None)
        files = [one for value in values.values() for one in files_in(value)]
        data = body(self.space.address, endpoint, values, dict.fromkeys(files))
        if files:  # only what is sure to be taken is sent
            sent = await upload(self.origin, self.space, files, clocks, tell)
            data = body(self.space.address, endpoint, values, sent)
        talk = Talk(self.space, self.origin, endpoint, uuid.uuid4().hex, clocks, tell)
        return await self._converse(talk, data, pickup)

    async def _converse(self, talk: Talk, data: list[Json] | None, pickup: Pickup) -> list[Any]:
        """Join the queue, unless the call waits in it already, and follow the call to its end."""
        fetched = anyio.Event()
        calls = self._in_flight.setdefault(talk.endpoint.name, CallsInFlight())
        with anyio.CancelScope() as scope, calls.sending() if data is not None else nullcontext() as sent:
            try:
                talk.watch(scope)
                if data is not None:
                    if pickup.work_s is not None:
                        talk.sent_at = pickup.sending(talk.session)
                    await talk.join(data)
                if sent is not None:
                    sent.joined_at = anyio.current_time()
                fetched = await self._leave(talk, pickup, calls, sent)
                await talk.follow(pickup)
            except anyio.get_cancelled_exc_class():
                if talk.found is None:
                    await talk.abandon(pickup)
                raise
            except CallFailed:
                if talk.found is None:  # else only the stream's end was lost
                    raise
            finally:
                if sent is not None:
                    sent.work_s = talk.work_s
                if talk.found is None:
                    fetched.set()
        if talk.found is None:
            raise talk.late()
        if pickup.work_s is not None or _has_files(talk.endpoint, talk.found):
            pickup.answered(talk.found)  # its files may take their time
        fetched.set()
        return talk.found

    async def _leave(
        self, talk: Talk, pickup: Pickup, calls: CallsInFlight, sent: SentCall | None
    ) -> anyio.Event:
        """Leave the result with the app for as long as it is to stay; what to set when it is fetched."""
        if pickup.earliest_s is not None and sent is not None:
            await talk.wait_for_work(pickup, calls, sent)
        elif pickup.work_s is not None:
            await talk.wait(pickup)
            if pickup.earliest_s is None:  # else the result is not to wait for others
                return await self._gate.enter()
        return anyio.Event()


def _has_files(endpoint: Endpoint, answer: list[Any]) -> bool:
    """Whether there are files to fetch for an answer."""
    kinds = {one.kind for one in endpoint.returns}
    return any(one.is_file or one is Kind.GALLERY for one in kinds) or names_files(answer)
