"""Calls to apps that speak another protocol than `sse_v1` to `sse_v3`.

Gradio 3 (`ws`) is asked over its plain `POST /run/{name}`, with files inside the JSON. All else is left
to `gradio_client`, in a thread: it knows `sse` of the first 4.x, and will know what comes next.
"""

import base64
import mimetypes
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
import anyio.to_thread
import httpx2

from spaces_registry.apps.answers import outputs
from spaces_registry.apps.files import Shelf, size_of, upload
from spaces_registry.apps.payload import body, files_in
from spaces_registry.apps.relay import Relay, open_relay
from spaces_registry.apps.schema import mapping
from spaces_registry.apps.stream import Outputs
from spaces_registry.clocks import Clocks
from spaces_registry.errors import (
    BadOutput,
    Busy,
    CallFailed,
    OverBound,
    RateLimited,
    RejectedInput,
    TimedOut,
    Unreachable,
)
from spaces_registry.network.decoding import Bloated, decoded
from spaces_registry.network.origin import Origin, patience
from spaces_registry.network.refusals import line, not_json, refused_by_status
from spaces_registry.network.spoken import refused_by_app
from spaces_registry.progress import Listener, Sending, Started, Yielded
from spaces_registry.signature import Endpoint, File, Json, Kind, Space, Value

if TYPE_CHECKING:
    from gradio_client.client import Job

_CANCEL_S = 3.0
_BLANK = (  # a transparent picture of one pixel
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)


async def call_otherwise(
    space: Space,
    origin: Origin,
    endpoint: Endpoint,
    values: Mapping[str, Value],
    *,
    folder: Path,
    clocks: Clocks,
    tell: Listener,
) -> tuple[Value, ...]:
    """Make one call by another way than the queue; position and progress are not told.

    Raises:
        CallFailed: as `App.call`.
    """
    for one in _files(values):
        tell(Sending(one.name, size_of(space.address, one, space.max_file_bytes)))
    tell(Started())
    try:
        with anyio.fail_after(clocks.queue_s + clocks.run_s):
            if space.protocol == "ws":
                data = await _run(space, origin, endpoint, values, clocks, tell)
            else:
                data = await _client(space, origin, endpoint, values, clocks)
    except TimeoutError as cause:
        raise TimedOut(space.address, f"{space.address} did not answer in time") from cause
    shelf = Shelf(origin, space.prefix, folder)
    found = outputs(space.address, endpoint, data, shelf.keep)
    await shelf.fill(clocks, tell)
    return found


def _files(values: Mapping[str, Value]) -> dict[File, None]:
    return dict.fromkeys(file for value in values.values() for file in files_in(value))


async def _run(
    space: Space,
    origin: Origin,
    endpoint: Endpoint,
    values: Mapping[str, Value],
    clocks: Clocks,
    tell: Listener,
) -> list[Any]:
    """Gradio 3: one request, one answer; a generator gives its next value to the next one of the session.

    When it has no further value it says that it generates no more, with nothing in place of values: the last
    ones before are its result. Source: `restore_session_state` in `gradio/route_utils.py`.
    """
    chats = {one.name for one in endpoint.parameters if one.form == "three"}
    in_chats = _files({name: value for name, value in values.items() if name in chats})
    inlined = {file: _inlined(file) for file in _files(values) if file not in in_chats}
    uploaded = await upload(origin, space, in_chats, clocks, tell) if in_chats else {}
    pictures = {one.name for one in endpoint.parameters if one.kind is Kind.IMAGE}
    sketches = {one.name for one in endpoint.parameters if one.form == "sketch"}
    positional = body(space.address, endpoint, values, {**inlined, **uploaded})
    data = [
        _sketch(one) if name in sketches else _picture(one) if name in pictures else one
        for name, one in zip(endpoint.wire.inputs, positional, strict=True)
    ]
    limits = patience(clocks.connect_s, clocks.queue_s + clocks.run_s)
    asked: dict[str, Any] = {"data": data}
    if (index := endpoint.wire.index) is not None:  # by its name alone a generator begins again each time
        asked |= {"fn_index": index, "session_hash": uuid.uuid4().hex}
    results = Outputs(is_diffed=False)
    while True:
        found, is_generating = await _ask(space, origin, endpoint, asked, limits)
        if is_generating or not results.count:
            results.take(found)
        if not is_generating or index is None:
            return results.known
        tell(Yielded(results.count))


async def _ask(
    space: Space, origin: Origin, endpoint: Endpoint, asked: Mapping[str, Any], limits: httpx2.Timeout
) -> tuple[list[Any], bool]:
    """One request to Gradio 3: its values, and whether there may be more."""
    doing = f"calling {endpoint.name}"
    response = await origin.send(
        "POST", f"{space.prefix}/run{quote(endpoint.name)}", limits=limits, json=dict(asked)
    )
    try:
        answer = decoded(response.content)
    except Bloated as cause:
        raise OverBound(
            space.address, f"{space.address}: {doing}: its answer cannot be read: {cause}"
        ) from cause
    except ValueError as cause:
        failed = not_json if response.is_success else refused_by_status
        raise failed(space.address, response, doing) from cause
    match answer:
        case {"data": list(found)} if response.is_success:
            return found, mapping(answer).get("is_generating") is True
        case {"error": str() | None as said} if response.status_code == httpx2.codes.INTERNAL_SERVER_ERROR:
            raise refused_by_app(space.address, said)
    if not response.is_success:
        raise refused_by_status(space.address, response, doing)
    raise BadOutput(space.address, f"{space.address}: {doing} gave no data")


def _picture(value: Json) -> Json:
    """A picture as Gradio 3 takes it: its data alone."""
    return value["data"] if isinstance(value, Mapping) and "data" in value else value


def _sketch(value: Json) -> Json:
    """A picture with what is drawn over it; a blank sheet where nothing is."""
    if value is None:
        return None
    parts = value if isinstance(value, Mapping) and "image" in value else {"image": value}
    return {"image": _picture(parts["image"]), "mask": _picture(parts.get("mask")) or _BLANK}


def _inlined(file: File) -> Json:
    """A file as Gradio 3 takes it; an image is its `data` alone."""
    mime = file.mime or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    text = base64.b64encode(file.path.read_bytes()).decode("ascii")
    return {"name": file.name, "data": f"data:{mime};base64,{text}"}


async def _client(
    space: Space, origin: Origin, endpoint: Endpoint, values: Mapping[str, Value], clocks: Clocks
) -> list[Any]:
    """Through `gradio_client`, which is kept from any file not of this call, and from any other host."""
    if any(_names_a_file(one) for one in values.values()):
        message = (
            f"{space.address}: an object that names a file of the app cannot be sent over {space.protocol}"
        )
        raise RejectedInput(space.address, message, hint="hand over a file of your own")
    from gradio_client import handle_file  # noqa: PLC0415 - heavy

    sent = {file: handle_file(file.path) for file in _files(values)}
    data = body(space.address, endpoint, values, sent)
    given = [one for name, one in zip(endpoint.wire.inputs, data, strict=True) if name is not None]
    yields: list[Any] = []
    failure: CallFailed | None = None
    async with open_relay(origin, clocks) as relay:
        jobs: list[Job] = []
        try:
            work = partial(_submit, space, relay, endpoint, given, jobs)
            yields = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_CANCEL_S, shield=True):
                for job in jobs:
                    await anyio.to_thread.run_sync(job.cancel, abandon_on_cancel=True)
            raise
        except Exception as cause:  # noqa: BLE001 - its own, httpx's and ValueErrors; `_failure` sorts them
            failure = _failure(space, relay, cause)  # out of the group, where it would be one of several
            failure.__cause__ = cause
    if failure is not None:
        raise failure
    results = Outputs(is_diffed=False)
    for one in yields:
        results.take([*one] if len(endpoint.returns) != 1 else [one])
    several: Iterator[Any] = iter(results.known)
    return [None if slot is None else next(several, None) for slot in endpoint.wire.outputs]


def _names_a_file(value: Value) -> bool:
    match value:
        case File() | str():
            return False
        case Mapping():
            return ("path" in value and "meta" in value) or any(map(_names_a_file, value.values()))
        case Sequence():
            return any(map(_names_a_file, value))
    return False


def _submit(
    space: Space, relay: Relay, endpoint: Endpoint, given: list[Json], jobs: "list[Job]"
) -> list[Any]:
    """What the call gave, yield by yield."""
    from gradio_client import Client  # noqa: PLC0415 - heavy

    asking: dict[str, Any] = {"proxy": relay.proxy}
    if space.protocol != "sse":  # there the client sets a limit itself, and takes no second one
        asking["timeout"] = Clocks().quiet_s
    client = Client(
        relay.url,
        token=False,  # its way to say: no token, not even a saved one
        verbose=False,
        download_files=False,  # the files are fetched by us, under our rules
        analytics_enabled=False,
        httpx_kwargs=asking,
    )
    try:
        job = client.submit(*given, api_name=endpoint.name)
        jobs.append(job)
        last = job.result()
        return [*job.outputs(), last] if endpoint.returns else []
    finally:
        client.close()


def _failure(space: Space, relay: Relay, cause: Exception) -> CallFailed:
    from gradio_client.exceptions import AppError, ValidationError  # noqa: PLC0415 - heavy
    from gradio_client.utils import QueueError, TooManyRequestsError  # noqa: PLC0415 - heavy

    if relay.failure is not None:  # what it makes of that is worse
        return relay.failure
    place, said = space.address, relay.hidden(str(cause)) or type(cause).__name__
    match cause:
        case CallFailed():
            return cause
        case AppError():
            return refused_by_app(place, None if "show_error=True" in said else said, str(cause.title or ""))
        case ValidationError():
            return RejectedInput(place, f"{place}: {line(said)}", said=said)
        case QueueError():
            return Busy(place, f"{place}: its queue is full", said=said, hint="try again later")
        case TooManyRequestsError():
            return RateLimited(
                place, f"{place}: too many requests", said=said, hint="ask less often, or log in"
            )
    hint = f"it speaks the protocol {space.protocol!r}; a newer gradio_client may know it"
    return Unreachable(place, f"{place}: {line(said)}", said=said, hint=hint)
