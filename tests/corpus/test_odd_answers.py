import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream
from servers import free_port
from web import Answer, Asked, page, say, web

from spaces_registry import Kind, Registry, Space, open_registry
from spaces_registry.apps.app import describe
from spaces_registry.errors import BadOutput, CallFailed, Missing, TimedOut, Unauthorized, Unreachable
from spaces_registry.network.origin import Origin, open_client

pytestmark = pytest.mark.anyio
MB = 2**20


@pytest.fixture
async def stranger() -> AsyncIterator[Registry]:
    """A registry of a user without a token."""
    async with open_registry(token="") as opened:
        yield opened


def app(
    *dependencies: Mapping[str, Any],
    components: Mapping[int, tuple[str, dict[str, Any]]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A `/config` as Gradio 6 writes it."""
    listed = [
        {"id": one, "type": kind, "props": {"name": kind, **props}}
        for one, (kind, props) in (components or {1: ("textbox", {"label": "Word"})}).items()
    ]
    base = {"version": "6.31.0", "api_prefix": "/gradio_api", "protocol": "sse_v3"}
    numbered = [{"id": place, **one} for place, one in enumerate(dependencies)]
    return base | {"components": listed, "dependencies": numbered} | more


def told(**endpoints: Any) -> dict[str, Any]:
    """An `/info` with these endpoints."""
    return {"named_endpoints": {f"/{name}": one for name, one in endpoints.items()}, "unnamed_endpoints": {}}


def one(name: str = "word", **more: Any) -> dict[str, Any]:
    """A parameter of `/info`."""
    base = {"label": "Word", "parameter_has_default": False, "parameter_default": None}
    return base | {"parameter_name": name, "type": {"type": "string"}, "component": "Textbox"} | more


GO = {"api_name": "go", "inputs": [1], "outputs": [1]}
GOES = {
    "parameters": [one()],
    "returns": [{"label": "Said", "type": {"type": "string"}, "component": "Textbox"}],
}


def site(
    config: Any, info: Any = None, openapi: Any = None, prefix: str = "/gradio_api"
) -> Callable[[Asked], Answer]:
    """A server with these answers, ready made or as JSON; what is None is not found."""
    routes = {"/config": config, f"{prefix}/info": info, f"{prefix}/openapi.json": openapi}

    def answer(asked: Asked) -> Answer:
        found = routes.get(asked.path)
        if found is None:
            return say({"detail": "Not Found"}, 404)
        return found if isinstance(found, Answer) else say(found)

    return answer


async def described(registry: Registry, answers: Callable[[Asked], Answer]) -> Space:
    """What we make of a server's answers."""
    with web(answers) as served:
        return await registry.describe(served.url)


def raw(text: str | bytes, kind: str = "application/json") -> Answer:
    """An answer that is no well-formed JSON value of ours."""
    return Answer(text if isinstance(text, bytes) else text.encode(), type=kind)


DEEP = "[" * 5000 + "]" * 5000
NO_APP: Mapping[str, tuple[Answer, type[CallFailed], str]] = {
    "a static site": (page("Not found", 404), Missing, "nothing is there"),
    "a docker Space with pages everywhere": (page("My tool"), Unreachable, "a web page \\(My tool\\)"),
    "a page that claims to be JSON": (raw("<!doctype html><title>Hi</title>"), Unreachable, "web page"),
    "somebody else's JSON": (say({"hello": "world"}), Unreachable, "JSON that is not Gradio's"),
    "a list": (say([1, 2]), Unreachable, "JSON that is not Gradio's"),
    "half of it": (raw('{"version": "6.0", "depend'), Unreachable, "JSON that breaks off"),
    "nothing": (raw(""), Unreachable, "JSON that breaks off"),
    "bytes": (raw(bytes(range(256))), Unreachable, "breaks off"),
    "a number too long to read": (raw('{"dependencies": ' + "9" * 5000 + "}"), Unreachable, "is not Gradio"),
    "brackets without end": (raw(DEEP), Unreachable, "breaks off"),
    "a connection that ends early": (Answer(b'{"a": 1', cut=True), Unreachable, "connection broke"),
    "a login": (say({"detail": {"error": "Not authenticated"}}, 401), Unauthorized, "wants a login|HTTP 401"),
    "a server's error": (page("Bad gateway", 502), Unreachable, "HTTP 502"),
    "more than anybody reads": (raw(b" " * (65 * MB)), BadOutput, "more than 64 MB"),
    "a redirect to nowhere": (
        Answer(status=302, headers={"location": "http://host:port/"}),
        Unreachable,
        "address",
    ),
    "a redirect in a circle": (Answer(status=302, headers={"location": "/config"}), Unreachable, "redirects"),
}


@pytest.mark.parametrize("case", NO_APP)
async def test_what_is_no_gradio_app_is_refused_in_one_line(case: str, stranger: Registry) -> None:
    """Anything can live at an address; the user must read what it is, not a traceback."""
    answer, failure, words = NO_APP[case]

    with pytest.raises(failure, match=words) as refused:
        await described(stranger, site(answer))

    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 600
    assert len(refused.value.said or "") <= 10_000


async def test_a_packed_answer_is_measured_unpacked(stranger: Registry) -> None:
    """A few kilobytes on the wire may be gigabytes in memory."""
    packed = Answer(gzip.compress(b" " * (300 * MB), 1), headers={"content-encoding": "gzip"})

    with pytest.raises(BadOutput, match="more than 64 MB"):
        await described(stranger, site(packed))


async def test_an_answer_that_drips_is_not_waited_for() -> None:
    """A byte now and then keeps a connection alive for ever; a search has three hundred to look at."""

    async def drip(stream: SocketStream) -> None:
        async with stream:
            with suppress(anyio.BrokenResourceError):
                await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
                while True:
                    await stream.send(b" ")
                    await anyio.sleep(0.02)

    port = free_port()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    async with listener, open_client() as client, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, drip)
        with pytest.raises(TimedOut, match="did not finish describing itself"):
            await describe(Origin("acme/drip", f"http://127.0.0.1:{port}", client), within_s=0.3)
        tasks.cancel_scope.cancel()


async def test_a_packed_description_is_read(stranger: Registry) -> None:
    """The Hub's proxy packs what it can."""
    packed = Answer(gzip.compress(json.dumps(app(GO)).encode()), headers={"content-encoding": "gzip"})

    assert [each.name for each in (await described(stranger, site(packed, told(go=GOES)))).endpoints] == [
        "/go"
    ]


async def test_thirty_megabytes_are_read(stranger: Registry) -> None:
    """Apps put whole tables and code into their descriptions; that is large, but not hostile."""
    snippets = {f"language {number}": "x" * MB for number in range(30)}

    space = await described(stranger, site(app(GO), told(go=GOES | {"code_snippets": snippets})))

    assert space.endpoint("/go").parameters[0].name == "word"


BROKEN_INFO: Mapping[str, Answer] = {
    "an error": say({"error": "boom"}, 500),
    "a page": page("Oops"),
    "half of it": raw('{"named_endpoints": {"/go": {'),
    "brackets without end": raw(DEEP),
    "a list": say([]),
    "no endpoints in it": say({"named_endpoints": None}),
    "FastAPI's own document": say({"openapi": "3.1.0", "paths": {"/run/{api_name}": {"post": {}}}}),
}


@pytest.mark.parametrize("case", BROKEN_INFO)
async def test_an_app_whose_description_is_broken_is_read_from_its_configuration(
    case: str, stranger: Registry
) -> None:
    """A crash in `/info` is a well-known fault of Gradio 4 and 5; the app itself still runs."""
    own = {"openapi": "3.1.0", "paths": {"/config": {"get": {}}, "/gradio_api/run/{api_name}": {"post": {}}}}

    endpoint = (await described(stranger, site(app(GO), BROKEN_INFO[case], own))).endpoint("/go")

    assert [(each.name, each.kind) for each in endpoint.parameters] == [("word", Kind.TEXT)]


async def test_a_redirected_app_is_read_where_it_is(stranger: Registry) -> None:
    """Renamed Spaces and proxies send visitors on; calls must go where the answers came from."""
    with web(site(app(GO), told(go=GOES))) as home:

        def elsewhere(asked: Asked) -> Answer:
            return Answer(status=307, headers={"location": home.url + asked.path})

        with web(elsewhere) as door:
            space = await stranger.describe(door.url)

    assert (space.address, space.url) == (door.url, home.url)
    assert [each.name for each in space.endpoints] == ["/go"]


async def test_an_old_app_without_names_is_read(stranger: Registry) -> None:
    """Gradio 3 names neither parameters nor most functions."""
    old = {
        "label": "Your prompt",
        "type": {"type": "string"},
        "component": "Textbox",
        "serializer": "StringSerializable",
    }
    entry = {"parameters": [old, old, old | {"label": "parameter_7"}], "returns": [old]}
    info = told(predict=entry) | {"unnamed_endpoints": {"16": entry, "17": None}}
    config = app({"api_name": "predict", "inputs": [1, 1, 1], "outputs": [1]}, version="3.50.2")
    del config["api_prefix"], config["protocol"]

    space = await described(stranger, site(config, info, prefix=""))

    assert [each.name for each in space.endpoint("/predict").parameters] == [
        "your_prompt",
        "your_prompt_2",
        "parameter",
    ]
    assert (space.protocol, space.prefix) == ("ws", "")
    assert {each.name: each.why for each in space.unusable} == dict.fromkeys(
        ("16", "17"), "the app gives this function no name"
    )


CYCLE = {"A": {"$ref": "#/$defs/B"}, "B": {"anyOf": [{"$ref": "#/$defs/A"}]}}
TYPES: Mapping[str, tuple[Any, Kind]] = {
    "two": ({"anyOf": [{"type": "string"}, {"type": "number"}]}, Kind.ANY),
    "maybe": ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, Kind.INTEGER),
    "empty": ({}, Kind.ANY),
    "empty type": ({"type": {}}, Kind.ANY),
    "a list of types": ({"type": ["string", "null"]}, Kind.ANY),
    "a circle": ({"$ref": "#/$defs/A", "$defs": CYCLE}, Kind.ANY),
    "itself": ({"$ref": "#"}, Kind.ANY),
    "a list of circles": ({"type": "array", "items": {"$ref": "#/$defs/A"}, "$defs": CYCLE}, Kind.JSON),
    "a text": ("string", Kind.ANY),
    "a number": (7, Kind.ANY),
    "nothing": (None, Kind.ANY),
    "all of one": ({"allOf": [{"type": "boolean"}]}, Kind.BOOLEAN),
    "choices of objects": ({"enum": [{"a": 1}, [2]]}, Kind.CHOICE),
    "choices that are none": ({"type": "string", "enum": "abc"}, Kind.TEXT),
}


@pytest.mark.parametrize("case", TYPES)
async def test_a_type_of_any_wording_has_a_kind(case: str, stranger: Registry) -> None:
    """Authors' own components say what they like; what is not understood takes anything."""
    schema, kind = TYPES[case]
    entry = {"parameters": [one(component="Handmade", type=schema)], "returns": []}

    space = await described(stranger, site(app(), told(go=entry)))

    assert space.endpoint("/go").parameters[0].kind is kind


async def test_not_a_number_is_read_as_nothing(stranger: Registry) -> None:
    """Old servers write Python's `NaN`, which no JSON knows; one such default must not close the app."""
    number = json.dumps(
        one("number", component="Number", type={"type": "number"}, parameter_has_default=True)
    )
    text = json.dumps(told(go={"parameters": ["HERE"], "returns": []}))
    text = text.replace('"HERE"', number.replace('"parameter_default": null', '"parameter_default": NaN'))
    sizes = {1: ("number", {"minimum": 10**400, "maximum": float("inf")})}
    config = app({"api_name": "go", "inputs": [1], "outputs": []}, components=sizes)

    [read] = (await described(stranger, site(config, raw(text)))).endpoint("/go").parameters

    assert (read.default, read.required, read.minimum, read.maximum) == (None, False, None, None)


async def test_of_two_equal_keys_the_last_one_counts(stranger: Registry) -> None:
    """As everywhere in JSON; the endpoint must be there once."""
    entry = json.dumps(GOES)
    text = f'{{"named_endpoints": {{"/go": null, "/go": {entry}, "/go": {entry}}}}}'

    assert [each.name for each in (await described(stranger, site(app(GO), raw(text)))).endpoints] == ["/go"]


async def test_what_is_wrong_in_an_entry_costs_that_entry_alone(stranger: Registry) -> None:
    """An app with one odd endpoint has others."""
    bottom: Any = "deep"
    for _ in range(400):
        bottom = [bottom]
    entries = {
        "fine": GOES,
        "null": None,
        "text": "text",
        "list": [],
        "no_parameters": {"returns": []},
        "parameters_of_text": {"parameters": ["a"], "returns": []},
        "parameters_as_object": {"parameters": {"a": 1}, "returns": []},
        "no_returns": {"parameters": []},
        "deep": {"parameters": [one(parameter_has_default=True, parameter_default=bottom)], "returns": []},
        "half\ud800": GOES,
    }

    space = await described(stranger, site(app(), told(**entries)))

    assert [each.name for each in space.endpoints] == ["/fine"]
    assert {each.name: each.why for each in space.unusable} == {
        "/null": "its parameters are not described",
        "/text": "its parameters are not described",
        "/list": "its parameters are not described",
        "/no_parameters": "its parameters are not described",
        "/parameters_of_text": "its parameters are not described",
        "/parameters_as_object": "its parameters are not described",
        "/no_returns": "its outputs are not described",
        "/deep": "its description is nested too deeply",
        "/half?": "its name holds half a character, which cannot be sent",
    }


async def test_returns_of_odd_shapes_have_kinds(stranger: Registry) -> None:
    """What an endpoint gives may be described by nonsense; its place on the wire still counts."""
    entry = {"parameters": [], "returns": [None, "text", 7, [], {}, {"label": 3, "type": 4, "component": 5}]}

    endpoint = (await described(stranger, site(app(), told(go=entry)))).endpoint("/go")

    assert [each.kind for each in endpoint.returns] == [Kind.ANY] * 6
    assert len({each.name for each in endpoint.returns}) == 6


@pytest.mark.timeout(60)
async def test_many_equal_labels_are_told_apart_in_time(stranger: Registry) -> None:
    """A hostile list of outputs must not hold up a search among three hundred candidates."""
    returns = [{"label": "Said", "type": {"type": "string"}}] * 50_000

    endpoint = (
        await described(stranger, site(app(), told(go={"parameters": [], "returns": returns})))
    ).endpoint("/go")

    assert [endpoint.returns[0].name, endpoint.returns[-1].name] == ["said", "said_50000"]
    assert len({each.name for each in endpoint.returns}) == 50_000


async def test_labels_with_brackets_without_end_are_read(stranger: Registry) -> None:
    """A translated label is JSON within JSON, and as little to be trusted."""
    label = '__i18n__{"key": ' + "[" * 50_000 + "}"
    entry = {"parameters": [one(label=label)], "returns": []}

    assert (await described(stranger, site(app(), told(go=entry)))).endpoint("/go").parameters[
        0
    ].label == label


async def test_half_a_character_is_replaced_where_it_is_shown_and_refused_where_it_is_sent(
    stranger: Registry, tmp_path: Path
) -> None:
    """JSON can spell what no terminal and no request can hold."""
    entry = {"parameters": [one("wo\ud800rd", label="La\udfffbel")], "returns": [], "description": "\ud83d"}
    with web(site(app(), told(go=entry))) as served:
        opened = await stranger.connect(served.url)
        endpoint = opened.space.endpoint("/go")

        with pytest.raises(CallFailed, match="cannot be sent"):
            await opened.call(endpoint, {"wo?rd": "half \ud800"}, folder=tmp_path)

    assert (endpoint.parameters[0].name, endpoint.parameters[0].label, endpoint.description) == (
        "wo?rd",
        "La?bel",
        "?",
    )


CONFIGS: Mapping[str, Any] = {
    "components as text": app(GO) | {"components": "none"},
    "components without ids": app(GO)
    | {"components": [{"type": "textbox"}, None, 7, {"id": [1]}, {"id": 1}]},
    "dependencies of nonsense": app()
    | {"dependencies": [None, 3, "go", {"api_name": 7}, {"inputs": {}}, GO]},
    "dependencies as object": app() | {"dependencies": {"0": GO}},
    "numbers for texts": app(GO) | {"version": 6, "api_prefix": None, "protocol": ["sse_v3"]},
    "a prefix of nonsense": app(GO) | {"api_prefix": "?x=\ud800\n#"},
    "huge numbers": app(GO | {"id": 10**300}) | {"max_file_size": -(10**300)},
    "translations of nonsense": app(GO) | {"i18n_translations": [{"en": 3}]},
}


@pytest.mark.parametrize("case", CONFIGS)
async def test_a_configuration_of_wrong_types_is_read_as_far_as_it_goes(
    case: str, stranger: Registry
) -> None:
    """What completes the description must not be able to spoil it."""
    config = CONFIGS[case]
    named = told(go=GOES)

    def answer(asked: Asked) -> Answer:
        if asked.path == "/config":
            return say(config)
        return say(named) if asked.path.endswith("/info") else say({}, 404)

    space = await described(stranger, answer)

    assert [each.name for each in space.endpoints] + [each.name for each in space.unusable] == ["/go"]
