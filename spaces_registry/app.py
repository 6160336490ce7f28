"""One running Gradio app, reached over HTTP: describe it, call it, cancel, fetch what it made.

Speaks Gradio's queue protocol (`sse_v1` to `sse_v3`); what speaks another one is left to `fallback`.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import httpx2

from spaces_registry.clocks import Clocks
from spaces_registry.decoding import decoded
from spaces_registry.description import Known, read_space
from spaces_registry.errors import (
    BadOutput,
    CallFailed,
    Crashed,
    TimedOut,
    ToolkitError,
    Unauthorized,
    Unreachable,
)
from spaces_registry.files import QUIET_S, Shelf, upload
from spaces_registry.origin import Origin, patience, scrubbed
from spaces_registry.payload import arrange, body, files_in, outputs
from spaces_registry.progress import Listener, unheard
from spaces_registry.refusals import line, not_found, not_json, refused_by_app, refused_by_status
from spaces_registry.schema import mapping, sequence
from spaces_registry.signature import Endpoint, Json, Space, Value
from spaces_registry.stream import DIFFED, Outputs, event_of, messages

_SPOKEN = DIFFED | {"sse_v1"}
_LARGEST = 64 * 2**20  # bytes of a description; the largest one seen has 6 MB
_READ_S = 180.0  # for all of a description
_CANCEL_S = 3.0  # for telling the app that a call is not wanted any more
_END_S = 0.5  # for a stream to end once its result is there


class NotGradio(ToolkitError):
    """Something answers at the address, but it is no Gradio app."""

    code = "not-gradio"

    def __init__(self, address: str, why: str) -> None:
        hint = "only Gradio apps can be called; look for a Space whose SDK is gradio"
        super().__init__(f"{address} is not a Gradio app: {why}", hint=hint)
        self.address = address


async def log_in(origin: Origin, user: str, password: str, connect_s: float = 15.0) -> None:
    """Log in to an app behind Gradio's own login; its cookie is kept with the origin.

    Raises:
        Unauthorized: the app refuses this user and password.
        CallFailed: it could not be asked.
    """
    form = {"username": user, "password": password}
    response = await origin.send("POST", "/login", limits=patience(connect_s, QUIET_S), data=form)
    if response.status_code in (400, 401, 403):
        message = f"{origin.place} refuses the user name or the password"
        raise Unauthorized(origin.place, message, said=response.text[:200], hint="check them and try again")
    if not response.is_success and not response.has_redirect_location:
        raise refused_by_status(origin.place, response, "logging in")


async def describe(
    origin: Origin,
    connect_s: float = 15.0,
    *,
    within_s: float = _READ_S,
    known: Known = Known(),  # noqa: B008 - frozen
) -> Space:
    """Read what the app at an origin says about itself.

    Args:
        origin: where the app lives; its place becomes the Space's address.
        connect_s: to open a connection.
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
            return await _read(origin, patience(connect_s, QUIET_S), known)
    except TimeoutError as cause:
        message = f"{origin.place} did not finish describing itself within {within_s:g} s"
        raise TimedOut(origin.place, message) from cause


async def _read(origin: Origin, limits: httpx2.Timeout, known: Known) -> Space:
    response = await origin.fetch("/config", limits=limits, at_most_bytes=_LARGEST)
    if response.status_code == httpx2.codes.NOT_FOUND:
        raise scrubbed(not_found(origin.place, response), origin)
    if not response.is_success:
        raise scrubbed(refused_by_status(origin.place, response, "asking for its configuration"), origin)
    config = _json(response)
    if not isinstance(config, dict) or "dependencies" not in config:
        raise scrubbed(not_json(origin.place, response, "asking for its configuration"), origin)
    home = str(response.url)
    root = home.removesuffix("/config") if home.endswith("/config") else origin.root
    prefix = read_space(origin.place, root, config, None).prefix
    info = _json(await origin.fetch(f"{prefix}/info?serialize=False", limits=limits, at_most_bytes=_LARGEST))
    openapi = None
    if not isinstance(mapping(info).get("named_endpoints"), Mapping):
        path = f"{prefix}/openapi.json"
        openapi = _json(await origin.fetch(path, limits=limits, at_most_bytes=_LARGEST))
    return read_space(origin.place, root, config, info, openapi, known=known)


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

    async def call(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, Value],
        *,
        folder: Path,
        clocks: Clocks = Clocks(),
        tell: Listener = unheard,
        session: str | None = None,
    ) -> tuple[Value, ...]:
        """Make one call: send the files, wait for the turn and the result, fetch the files.

        Args:
            endpoint: one of `space.endpoints`.
            arguments: by parameter name; a file is a `File`, several are a sequence of them. A parameter that
                is not named gets its default.
            folder: an existing folder, for the files that come back.
            clocks: the time limits.
            tell: hears what happens meanwhile.
            session: Gradio's session hash, if the caller wants to choose it; else a new one.

        Returns:
            One value per return, in the signature's order: `File`s by the signature's kind, all else as JSON.

        Raises:
            CallFailed: the class says what happened, `said` keeps the app's own words.
        """
        try:
            values = arrange(self.space.address, endpoint, arguments)
            if self.space.protocol not in _SPOKEN:
                from spaces_registry.fallback import call_otherwise  # noqa: PLC0415 - seldom needed, heavy

                return await call_otherwise(
                    self.space, self.origin, endpoint, values, folder=folder, clocks=clocks, tell=tell
                )
            files = [one for value in values.values() for one in files_in(value)]
            data = body(self.space.address, endpoint, values, dict.fromkeys(files))
            if files:  # only what is sure to be taken is sent
                sent = await upload(self.origin, self.space, files, clocks, tell)
                data = body(self.space.address, endpoint, values, sent)
            answer = await self._converse(endpoint, data, session or uuid.uuid4().hex, clocks, tell)
            shelf = Shelf(self.origin, self.space.prefix, folder)
            found = outputs(self.space.address, endpoint, answer, shelf.keep)
            await shelf.fill(clocks, tell)
        except CallFailed as failure:
            self.is_doubtful |= failure.code in ("unreachable", "drifted", "missing")
            raise scrubbed(failure, self.origin) from failure.__cause__
        return found

    async def _converse(
        self, endpoint: Endpoint, data: list[Json], session: str, clocks: Clocks, tell: Listener
    ) -> list[Any]:
        """Join the queue and follow the call to its end; the app's positional answer."""
        talk = _Talk(self, endpoint, session, clocks, tell)
        with anyio.CancelScope() as scope:
            try:
                talk.watch(scope)
                await talk.join(data)
                await talk.follow()
            except anyio.get_cancelled_exc_class():
                if talk.found is None:
                    await talk.abandon()
                raise
            except CallFailed:
                if talk.found is None:  # else only the stream's end was lost
                    raise
        if talk.found is None:
            raise talk.late()
        return talk.found


class _Talk:
    """One call's way through the queue."""

    def __init__(self, app: App, endpoint: Endpoint, session: str, clocks: Clocks, tell: Listener) -> None:
        self.origin, self.prefix, self.place = app.origin, app.space.prefix, app.space.address
        self.endpoint, self.session, self.clocks, self.tell = endpoint, session, clocks, tell
        is_named = endpoint.wire.index is None  # `/call/{name}` sends whole values in every protocol
        self.outputs = Outputs(app.space.protocol in DIFFED and not is_named)
        self.event_id: str | None = None
        self.found: list[Any] | None = None
        self.is_running = False
        self.scope = anyio.CancelScope()
        self.ends_at = 0.0

    def watch(self, scope: anyio.CancelScope) -> None:
        """Start the clocks: the scope is what they end."""
        self.scope, self.ends_at = scope, anyio.current_time() + self.clocks.queue_s
        self._alive()

    def _alive(self) -> None:
        """A sign of life came. While it works an app may be silent as long as `run_s` allows: many block."""
        silent_until = anyio.current_time() + max(QUIET_S, 4 * self.clocks.connect_s)
        self.scope.deadline = self.ends_at if self.is_running else min(self.ends_at, silent_until)

    def late(self) -> CallFailed:
        """What the clock that ran out means."""
        clocks = self.clocks
        if self.is_running:
            return TimedOut(self.place, f"{self.place} did not finish within {clocks.run_s:g} s of work")
        if anyio.current_time() >= self.ends_at:
            return TimedOut(self.place, f"{self.place}: waited {clocks.queue_s:g} s in its queue")
        return TimedOut(self.place, f"{self.place}: its queue fell silent")

    async def join(self, data: list[Json]) -> None:
        """Put the call into the queue."""
        asked: dict[str, Json] = {"data": data, "session_hash": self.session}
        path = f"/call{quote(self.endpoint.name)}"
        if self.endpoint.wire.index is not None:
            asked["fn_index"], path = self.endpoint.wire.index, "/queue/join"
        timeout = patience(self.clocks.connect_s, QUIET_S)
        headers = {"x-gradio-user": "api"}
        response = await self.origin.send(
            "POST", self.prefix + path, limits=timeout, json=asked, headers=headers
        )
        doing = f"calling {self.endpoint.name}"
        if not response.is_success:
            raise refused_by_status(self.place, response, doing)
        match _json(response):
            case {"event_id": str(event_id)}:
                self.event_id = event_id
            case _:
                raise not_json(self.place, response, doing)

    async def follow(self) -> None:
        """Listen until the result is there, and on to the stream's end, which frees its connection."""
        url = f"{self.origin.root}{self.prefix}/queue/data?session_hash={self.session}"
        timeout = patience(self.clocks.connect_s, None)
        async with self.origin.stream("GET", url, limits=timeout) as response, self.origin.bordered():
            if not response.is_success:
                await response.aread()
                raise refused_by_status(self.place, response, f"waiting for {self.endpoint.name}")
            if "event-stream" not in response.headers.get("content-type", ""):
                await response.aread()
                raise not_json(self.place, response, f"waiting for {self.endpoint.name}")
            try:
                async for message in messages(response.aiter_bytes()):
                    if self.found is None:
                        self._hear(message)
            except ValueError as cause:
                raise BadOutput(
                    self.place, f"{self.place}: its event stream cannot be read: {cause}"
                ) from cause
        if self.found is None:
            how = f"{self.place}: the connection ended before {self.endpoint.name} did"
            raise Unreachable(self.place, how, hint="the app may have crashed or restarted")

    def _hear(self, message: Mapping[str, Any]) -> None:
        """Take one message; the last one holds the result."""
        if message.get("event_id") not in (None, self.event_id):
            return
        output = mapping(message.get("output"))
        match message.get("msg"):
            case "process_starts":
                self.is_running, self.ends_at = True, anyio.current_time() + self.clocks.run_s
            case "process_generating" | "process_streaming" if isinstance(output.get("data"), list):
                self.outputs.take(output["data"])
            case "process_completed":
                self.found = self._complete(message, output)
                self.scope.deadline = anyio.current_time() + _END_S
                return
            case "unexpected_error":
                said = str(message.get("message") or "") or None
                raise Unreachable(
                    self.place, f"{self.place}: the app stopped: {line(said or '?')}", said=said
                )
        self._alive()
        if (event := event_of(message, self.outputs)) is not None:
            self.tell(event)

    def _complete(self, message: Mapping[str, Any], output: Mapping[str, Any]) -> list[Any]:
        if message.get("success") is False or "error" in output:
            said, title = output.get("error"), output.get("title") or message.get("title")
            title = title if isinstance(title, str) else None
            raise refused_by_app(self.place, said if isinstance(said, str) else None, title)
        if not isinstance(output.get("data"), list):
            raise Crashed(self.place, f"{self.place}: the call was cancelled in the app")
        return self.outputs.settle(sequence(output["data"]))

    async def abandon(self) -> None:
        """Tell the app that nobody waits any more: a queued call is removed, a generator stops."""
        timeout = patience(_CANCEL_S, _CANCEL_S)
        with anyio.move_on_after(_CANCEL_S, shield=True):
            try:
                if self.event_id is None:  # whether it joined is not known: a stream that ends removes it
                    url = f"{self.origin.root}{self.prefix}/queue/data?session_hash={self.session}"
                    async with self.origin.stream("GET", url, limits=timeout):
                        return
                asked: dict[str, Json] = {"event_id": self.event_id, "session_hash": self.session}
                index = self.endpoint.wire.index
                asked["fn_index"] = -1 if index is None else index
                await self.origin.send("POST", f"{self.prefix}/reset", limits=timeout, json=asked)
                await self.origin.send("POST", f"{self.prefix}/cancel", limits=timeout, json=asked)
            except CallFailed:
                return  # it was on the way out anyway
