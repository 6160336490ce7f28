"""Apps whose protocol is left to `gradio_client`: it asks that app alone, and is given what it can read."""

import gzip
import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from web import Answer, Asked, say, stream, web

from spaces_registry.apps.app import App, describe
from spaces_registry.apps.relay import open_relay
from spaces_registry.clocks import Clocks
from spaces_registry.errors import BadOutput, CallFailed, OverBound
from spaces_registry.network.bounds import Bounds
from spaces_registry.network.origin import Origin

pytestmark = pytest.mark.anyio
CLOCKS = Clocks(connect_s=5, quiet_s=20, queue_s=30, run_s=30)
CONFIG: dict[str, Any] = {
    "version": "5.0.0",
    "protocol": "sse_v9",
    "api_prefix": "/gradio_api",
    "connect_heartbeat": False,
    "components": [{"id": 1, "type": "textbox", "props": {}, "api_info": {"type": "string"}}],
    "dependencies": [
        {
            "id": 0,
            "api_name": "go",
            "inputs": [],
            "outputs": [1],
            "backend_fn": True,
            "show_api": True,
            "cancels": [],
            "types": {"generator": False, "cancel": False},
        }
    ],
}
RETURNS = [{"label": "o", "component": "Textbox"}]
INFO = {"named_endpoints": {"/go": {"parameters": [], "returns": RETURNS}}, "unnamed_endpoints": {}}


async def called(served_url: str, client, folder: Path, bounds: Bounds | None = None, **known: Any) -> App:
    """Describe an app, and call it."""
    origin = Origin("place", served_url, client, bounds=bounds or Bounds(), **known)
    app = App(await describe(origin, CLOCKS), origin)
    await app.call(app.space.endpoint("/go"), {}, folder=folder, clocks=CLOCKS)
    return app


@pytest.mark.parametrize("prefix", ["{}", "/{}", "//{}/x", "{}/gradio_api/../.."])
@pytest.mark.parametrize("protocol", ["sse", "sse_v9"])
async def test_an_app_leads_the_client_to_no_other_host(client, tmp_path, secret, prefix, protocol):
    """With the token, the prompt and the files of the call, by one word in the app's own description."""
    with web(lambda _: say({})) as other:

        def answer(asked: Asked) -> Answer:
            if asked.path == "/config":
                return say({**CONFIG, "protocol": protocol, "api_prefix": prefix.format(other.url)})
            return say(INFO) if asked.path.endswith("/info") else say({}, 404)

        with web(answer) as served, pytest.raises(CallFailed):
            await called(served.url, client, tmp_path, token=secret("token"))

    assert other.asked == []


# gradio_client sets cookies per request where it speaks `sse`; httpx warns of that
@pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
async def test_an_app_of_the_first_gradio_4_is_called_through_the_door(client, tmp_path, secret):
    """`sse` is spoken by the client alone: what it sends and hears must come through unchanged."""

    def answer(asked: Asked) -> Answer:
        match asked.path:
            case "/config":
                return say({**CONFIG, "protocol": "sse", "version": "4.4.1", "api_prefix": ""})
            case "/info":
                return say(INFO)
            case "/queue/join":
                done = {"msg": "process_completed", "output": {"data": [f"hello {secret('token')}"]}}
                return stream({"msg": "estimation"}, {"msg": "send_data", "event_id": "e"}, done)
        return say({})

    with web(answer) as served:
        origin = Origin("place", served.url, client, token=secret("token"))
        app = App(await describe(origin, CLOCKS), origin)
        values = await app.call(app.space.endpoint("/go"), {}, folder=tmp_path, clocks=CLOCKS)

    [sent] = [json.loads(one.body) for one in served.asked if one.path == "/queue/data"]
    assert (sent["event_id"], sent["fn_index"]) == ("e", 0)
    assert values == ("hello ***",)


async def test_who_is_led_to_another_host_says_so(client, tmp_path):
    """The user should learn what the app tried."""
    answers = {"/config": say({**CONFIG, "api_prefix": "http://far.example/x"})}
    with (
        web(lambda asked: answers.get(asked.path, say(INFO))) as served,
        pytest.raises(BadOutput, match=r"leads its client to another host, far\.example"),
    ):
        await called(served.url, client, tmp_path)


async def test_an_app_of_a_version_before_them_all_is_read_by_no_third_party(client, tmp_path):
    """The client would send the whole description, and every header, to a helper of its makers."""
    answers = {"/config": say({**CONFIG, "version": "3.30.0"})}
    with (
        web(lambda asked: answers.get(asked.path, say(INFO))) as served,
        pytest.raises(BadOutput, match="leads its client to another host"),
    ):
        await called(served.url, client, tmp_path)


@pytest.mark.parametrize("packed", [True, False])
async def test_the_client_is_given_no_more_than_a_description_may_have(client, bounds, tmp_path, packed):
    """Ten kilobytes that stand for ten gigabytes: it would unpack them in one piece."""
    configs = [say(CONFIG)]
    huge = b'{"version": "' + b"9" * 3_000_000 + b'"}'
    headers = {"content-encoding": "gzip"} if packed else {}
    bomb = Answer(gzip.compress(huge) if packed else huge, headers=headers)

    def answer(asked: Asked) -> Answer:
        if asked.path == "/config":
            return configs.pop() if configs else bomb
        return say(INFO)

    low = bounds(description_bytes=1_000_000)
    with web(answer) as served, pytest.raises(BadOutput, match="gives more than"):
        await called(served.url, client, tmp_path, low)


async def test_the_client_is_given_no_more_values_than_anybody_reads(client, bounds, tmp_path):
    """A megabyte of brackets is hundreds of megabytes once it is decoded."""
    configs = [say(CONFIG)]

    def answer(asked: Asked) -> Answer:
        if asked.path == "/config":
            return configs.pop() if configs else Answer(b"[" + b"[]," * 5_000 + b"[]]")
        return say(INFO)

    with web(answer) as served, pytest.raises(BadOutput, match="more values"):
        await called(served.url, client, tmp_path, bounds(json_values=1_000))


@pytest.mark.parametrize("count", [10, 500_000])
async def test_an_answer_of_gradio_3_of_many_little_objects_is_refused_before_it_is_decoded(
    client, tmp_path, count
):
    """It comes in one piece, and not over the stream that others answer with."""
    components = [{"id": 1, "type": "json", "props": {}, "api_info": {"type": "any"}}]
    config = {**CONFIG, "version": "3.50.2", "protocol": "ws", "api_prefix": "", "components": components}
    info = {"named_endpoints": {"/go": {"parameters": [], "returns": [{"label": "o", "component": "Json"}]}}}
    body = b'{"data": [[' + b'{"a":1},' * count + b"1]]}"
    answers = {"/config": say(config), "/run/go": Answer(body)}
    with web(lambda asked: answers.get(asked.path, say(info))) as served:
        if count < 1000:
            await called(served.url, client, tmp_path)
            return
        with pytest.raises(OverBound, match="would take"):
            await called(served.url, client, tmp_path)


async def test_what_the_client_asks_has_the_apps_own_credentials(client, tmp_path, secret):
    """An app that wants to know its user is told by us, and the library never has the token."""
    with (
        web(lambda asked: say(CONFIG) if asked.path == "/config" else say(INFO)) as served,
        pytest.raises(CallFailed),
    ):
        await called(served.url, client, tmp_path, token=secret("token"))

    by_library = [one for one in served.asked if "gradio_client" in one.headers.get("user-agent", "")]
    assert by_library
    assert all(one.headers["authorization"] == f"Bearer {secret('token')}" for one in by_library)
    assert not any("x-hf-authorization" in one.headers for one in by_library)


async def test_nobody_else_on_this_machine_gets_through_the_door(client, secret):
    """The door stands open while a call lasts, and what goes through it has the user's token."""
    with web(lambda _: say(CONFIG)) as served:
        origin = Origin("place", served.url, client, token=secret("token"))
        async with open_relay(origin, CLOCKS) as relay:
            stranger = await client.get(f"{relay.url}config")
            async with httpx2.AsyncClient(proxy=relay.proxy) as library:
                known = await library.get(f"{relay.url}config")

    assert (stranger.status_code, known.status_code) == (403, 200)
    assert len(served.asked) == 1


async def test_a_call_that_is_broken_off_leaves_no_door_open(client):
    """A port that nobody closes would wait for whoever comes."""
    with web(lambda _: say(CONFIG)) as served:
        async with open_relay(Origin("place", served.url, client), CLOCKS) as relay:
            pass
        with pytest.raises(OSError, match="onnect"):
            await anyio.connect_tcp("127.0.0.1", int(relay.proxy.rpartition(":")[2]))
