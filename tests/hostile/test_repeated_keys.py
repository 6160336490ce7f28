"""A key that a place repeats is hidden wherever it stands, in whatever spelling: what comes in is clean.

Each test's folders and output are searched for the key afterwards (`leaks.py`).
"""

import base64
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from web import Answer, Asked, say, stream, web

from spaces_registry.apps.app import App, describe
from spaces_registry.cache import Descriptions
from spaces_registry.clocks import Clocks
from spaces_registry.errors import CallFailed, Unreachable
from spaces_registry.hub.hub import Hub
from spaces_registry.network.intake import Rule
from spaces_registry.network.origin import Origin, patience
from spaces_registry.network.redaction import Redactor

CLOCKS = Clocks(connect_s=5, quiet_s=10, queue_s=20, run_s=20)
LIMITS = patience(5, 10)


def spellings(key: str) -> dict[str, bytes]:
    """How a place could write a key so that a program, or a person, still reads it."""
    return {
        "as it is": key.encode(),
        "escaped in JSON": "".join(f"\\u{ord(one):04x}" for one in key).encode(),
        "half escaped": key[:5].encode() + "".join(f"\\u{ord(one):04X}" for one in key[5:]).encode(),
        "in a URL": "".join(f"%{ord(one):02x}" for one in key).encode(),
        "in base64": base64.b64encode(key.encode()),
        "in base64, further on": base64.b64encode(b"ab" + key.encode() + b"c"),
        "in hex": key.encode().hex().encode(),
    }


@pytest.mark.anyio
@pytest.mark.parametrize("spelling", spellings("x" * 20))
@pytest.mark.parametrize("is_file", [False, True])
async def test_a_key_is_found_in_each_spelling(client, secret, spelling, is_file):
    """The next program decodes it again, and prints what it was."""
    key = secret("key")
    body = b'{"said": "' + spellings(key)[spelling] + b'"}'
    with web(lambda _: Answer(body)) as served:
        origin = Origin("place", served.url, client, token=key)
        rule = Rule(10_000, is_file=is_file)
        async with origin.stream("GET", f"{served.url}/x", limits=LIMITS, rule=rule) as response:
            content = await response.aread()

    assert json.loads(content)
    assert key.encode() not in content
    assert b"***" in content
    assert len(content) == len(body) or not is_file  # a picture whose parts have moved opens no more


def test_a_key_is_found_wherever_the_stream_is_cut(secret):
    """The network cuts as it likes, or as a place likes."""
    key = secret("key")
    for form in spellings(key).values():
        whole = b"before " + form + b" after"
        for cut in range(len(whole)):
            one = Redactor((key, key[:12]))
            clean = one.feed(whole[:cut]) + one.feed(whole[cut:]) + one.end()
            assert b"***" in clean
            assert len(clean) < len(b"before *** after") + 8


def test_what_holds_no_key_passes_unchanged_and_at_once(secret):
    """Files must keep their bytes, and an event must not wait for the next one."""
    one = Redactor((secret("key"),))
    noise = os.urandom(300_000) + b"%41%42 \\u0041 hf_ "

    assert one.feed(noise) + one.end() == noise
    assert one.feed(b'data: {"msg": "log"}\n\n') == b'data: {"msg": "log"}\n\n'


def test_a_file_keeps_its_length(secret):
    """A picture whose parts have moved opens no more."""
    key = secret("key")
    one = Redactor((key,), same_length=True)
    data = b"\x89PNG\0" + key.encode() + b"\0rest"

    assert one.feed(data) + one.end() == b"\x89PNG\0" + b"*" * len(key) + b"\0rest"


@pytest.mark.anyio
async def test_an_app_that_repeats_a_token_everywhere_has_told_nobody(client, tmp_path, secret):
    """Labels and names are kept as its signature, words are logged and shown, files are stored."""
    key = secret("token")

    def answer(asked: Asked) -> Answer:
        if asked.path == "/config":
            return say(_config(key))
        if asked.path.endswith("/info"):
            return say(_info(key))
        if asked.path.endswith("/join"):
            return say({"event_id": f"e-{key}"})
        if "/file=" in asked.path:
            return Answer(f"your token is {key}".encode(), type="text/plain")
        event = {"event_id": f"e-{key}"}
        file = {"path": f"/there/{key}.txt", "orig_name": f"{key}.txt", "meta": {"_type": "gradio.FileData"}}
        return stream(
            {**event, "msg": "log", "level": key, "log": f"hello {key}"},
            {
                **event,
                "msg": "progress",
                "progress_data": [{"index": 1, "length": 2, "unit": key, "desc": key}],
            },
            {**event, "msg": "process_completed", "output": {"data": [{key: [key]}, file]}},
        )

    told: list[object] = []
    with web(answer) as served:
        origin = Origin("place", served.url, client, token=key)
        app = App(await describe(origin, CLOCKS), origin)
        Descriptions(tmp_path / "kept").keep(app.space)
        [endpoint] = app.space.endpoints
        values, file = await app.call(endpoint, {}, folder=tmp_path, clocks=CLOCKS, tell=told.append)

    everything = f"{app.space!r} {told!r} {values!r} {file!r} {file.path.read_text()}"
    assert key not in everything
    assert values == {"***": ["***"]}
    assert "your token is ***" in everything


@pytest.mark.anyio
async def test_a_token_that_is_joined_out_of_differences_is_hidden(client, tmp_path, secret):
    """A generator sends its later results as what has changed; no message of them holds the whole."""
    key = secret("token")

    def answer(asked: Asked) -> Answer:
        if asked.path == "/config":
            return say({**_config("x"), "api_prefix": ""})
        if asked.path.endswith("/info"):
            return say(_info("x"))
        if asked.path.endswith("/join"):
            return say({"event_id": "e"})
        event = {"event_id": "e", "msg": "process_generating"}
        later = {"event_id": "e", "msg": "process_completed"}
        as_it_was = [{"__type__": "update"}, {"__type__": "update"}]
        return stream(
            {**event, "output": {"data": [{"a": key[:9]}, None]}},
            {**event, "output": {"data": [[["append", ["a"], key[9:]]], []]}},
            {**later, "output": {"data": as_it_was}},
        )

    with web(answer) as served:
        origin = Origin("place", served.url, client, token=key)
        app = App(await describe(origin, CLOCKS), origin)
        [endpoint] = app.space.endpoints
        values = await app.call(endpoint, {}, folder=tmp_path, clocks=CLOCKS)

    assert values[0] == {"a": "***"}


def _config(key: str) -> dict[str, object]:
    parts = [
        {"id": 1, "type": "json", "props": {"label": f"out {key}"}},
        {"id": 2, "type": "file", "props": {"label": key}},
    ]
    dependency = {"id": 0, "api_name": f"go_{key}", "inputs": [], "outputs": [1, 2], "backend_fn": True}
    return {
        "version": "5.49.1",
        "protocol": "sse_v3",
        "api_prefix": f"/gradio_api/{key}",
        "components": parts,
        "dependencies": [dependency],
    }


def _info(key: str) -> dict[str, object]:
    returns = [
        {"label": f"out {key}", "component": "Json", "type": {}},
        {"label": key, "component": "File", "type": {"description": key}},
    ]
    return {"named_endpoints": {f"/go_{key}": {"parameters": [], "returns": returns, "description": key}}}


@pytest.mark.anyio
async def test_a_broken_head_that_repeats_a_key_is_quoted_without_it(client, secret):
    """What the HTTP library could not read, it quotes in full."""
    key = secret("token")
    with _speaking(f"HTTP/1.1 200 OK\r\nx-your-token {key}\r\n\r\n".encode()) as url:
        origin = Origin("place", url, client, token=key)
        with pytest.raises(Unreachable) as failure:
            await origin.send("GET", "/config", limits=LIMITS)

    assert key not in str(failure.value)
    assert "broke" in str(failure.value)


@pytest.mark.anyio
async def test_a_status_line_that_repeats_a_key_is_passed_on_without_it(client, secret):
    """Its words are free, and libraries put them into their errors."""
    key = secret("token")
    with _speaking(f"HTTP/1.1 200 {key}\r\ncontent-length: 2\r\n\r\n{{}}".encode()) as url:
        response = await Origin("place", url, client, token=key).send("GET", "/x", limits=LIMITS)

    assert key not in f"{response.reason_phrase} {response.extensions!r}"


@pytest.mark.anyio
async def test_no_header_and_no_redirect_carries_a_key_on(client, secret):
    """A file's name may come in a header, and an address that was led to is shown and kept."""
    key = secret("token")

    def answer(asked: Asked) -> Answer:
        if asked.path == "/x":
            return Answer(status=302, headers={"location": f"/{key}/y?key={key}"})
        return Answer(b"{}", headers={"x-name": key, key: "1", "content-disposition": f'filename="{key}"'})

    with web(answer) as served:
        origin = Origin("place", served.url, client, token=key)
        response = await origin.send("GET", "/x", limits=LIMITS)

    assert key not in f"{response.headers!r} {response.url} {response.extensions!r}"
    assert key not in str(served.asked[1].path)


@pytest.mark.anyio
@pytest.mark.parametrize("status", [200, 400])
async def test_a_hub_that_repeats_a_token_is_heard_without_it(secret, status):
    """Its answers are kept for minutes, and come through a library that is not ours."""
    key = secret("token")
    with web(lambda _: say({"error": key, key: [key]}, status, x_error_message=key)) as served:
        try:
            heard = repr(await Hub(key, served.url).get("/api/x", {}, doing="asking"))
        except CallFailed as failure:
            heard = f"{failure} {failure.said}"

    assert "***" in heard
    assert key not in heard


@contextmanager
def _speaking(words: bytes) -> Iterator[str]:
    """A server that says these bytes to whoever comes, whether they are HTTP or not."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.recv(65536)
                caller.sendall(words)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


SERVICE = """
name: acme
about: A vendor that repeats keys
url: WHERE
auth: {key_from: LAB_KEY}
endpoints:
  write:
    takes: {prompt: text}
    path: /write
    json: {prompt: $prompt}
    stream: {delta: piece, end: "[DONE]"}
    gives: {text: {kind: text, from: text}}
  draw:
    takes: {prompt: text}
    path: /draw
    json: {prompt: $prompt}
    gives: {file: {kind: file, from: url}, facts: {kind: json, from: facts}}
"""


def test_a_vendor_that_repeats_its_key_has_told_no_file_of_ours(spacechain, home, monkeypatch, secret):
    """Pieces of a text, facts, a file's name and its words end in `run.json`, the report and the journal."""
    key = secret("lab", prefix="lab-")
    monkeypatch.setenv("LAB_KEY", key)

    def answer(asked: Asked) -> Answer:
        if asked.path == "/write":
            pieces = [{"piece": "it is "}, {"piece": key[:7]}, {"piece": key[7:]}, {"piece": ", no?"}]
            lines = "".join(f"data: {json.dumps(one)}\n\n" for one in pieces)
            return Answer(f"{lines}data: [DONE]\n\n".encode(), type="text/event-stream")
        if asked.path == "/draw":
            return say({"url": f"{served.url}/f/{key}.txt", "facts": {key: [key, quote(key)]}})
        return Answer(f"drawn for {key}".encode(), type="text/plain")

    with web(answer) as served:
        (home / "services").mkdir(parents=True)
        (home / "services" / "acme.yaml").write_text(SERVICE.replace("WHERE", served.url))
        Path("c.yaml").write_text(
            "steps:\n"
            "  write: {service: acme, endpoint: write, with: {prompt: hi}}\n"
            "  draw: {service: acme, endpoint: draw, with: {prompt: hi}}\n"
            "outputs: {text: $write.text, file: $draw.file, facts: $draw.facts}\n"
        )
        code, said = spacechain("run", "c.yaml", "--json")
        again, shown = spacechain("show", "last")

    assert (code, again) == (0, 0), said + shown
    outputs = json.loads(said)["outputs"]
    assert outputs["text"]["value"] == "it is ***, no?"
    assert outputs["facts"]["value"] == {"***": ["***", "***"]}
    assert "drawn for ***" in Path(outputs["file"]["path"]).read_text()


def test_a_key_that_a_chain_hands_over_as_a_value_is_hidden_likewise(spacechain, home, monkeypatch, secret):
    """Some apps have a field for a key; what they write into a file is kept, and shared."""
    key = secret("field", prefix="k-")
    monkeypatch.setenv("FIELD_KEY", key)

    def answer(asked: Asked) -> Answer:
        if asked.path == "/draw":
            return say({"url": f"{served.url}/a.txt", "facts": json.loads(asked.body)})
        return Answer(f"drawn with {key}".encode(), type="text/plain")

    with web(answer) as served:
        monkeypatch.setenv("LAB_KEY", "lab-0123456789")
        (home / "services").mkdir(parents=True)
        (home / "services" / "acme.yaml").write_text(SERVICE.replace("WHERE", served.url))
        Path("c.yaml").write_text(
            "env: [FIELD_KEY]\n"
            "steps: {draw: {service: acme, endpoint: draw, with: {prompt: $env.FIELD_KEY}}}\n"
            "outputs: {file: $draw.file, facts: $draw.facts}\n"
        )
        spacechain("trust", "c.yaml")
        code, said = spacechain("run", "c.yaml", "--json")

    assert code == 0, said
    assert key in served.asked[0].body.decode()
    assert "drawn with ***" in Path(json.loads(said)["outputs"]["file"]["path"]).read_text()
