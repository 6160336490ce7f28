"""What a chat comes to: the same table for models behind the router, models at a URL, and services."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
from providers.asking import Asking
from web import Answer, page, say, web

from chains.services import read_service
from pipelines.runners.protocol import Call
from pipelines.runners.service import ServiceRunner
from spaces_registry import errors
from spaces_registry.clocks import Clocks
from spaces_registry.network.origin import Origin, open_client
from spaces_registry.progress import CallEvent, Logged, Written
from spaces_registry.signature import Value

CATALOG = Path(__file__).parents[2] / "spaces_registry" / "catalog" / "services"
WAYS = ("router", "url", "openai", "tgi", "deepinfra", "endpoints")


def chunk(content: object = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """One event of a chat, as OpenAI's schema has it."""
    delta = {**({} if content is None else {"content": content}), **more}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def whole(content: object, reason: str = "stop", **more: Any) -> Answer:
    """A completion in one piece, from a server that does not stream."""
    message = {"role": "assistant", "content": content, **more}
    return say({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": reason}]})


def streamed(*events: Mapping[str, Any], end: bytes = b"data: [DONE]\n\n") -> Answer:
    """Events, and the mark that ends them."""
    lines = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in events)
    return Answer(lines + end, type="text/event-stream")


@dataclass
class Talk:
    """Has a chat in one of the ways that chains know, with a server that gives one answer."""

    ask: Asking
    folder: Path
    told: list[CallEvent] = field(default_factory=list)

    def __call__(self, way: str, answer: Answer) -> str:
        """The text."""
        if way == "router":
            self.ask.served.refusals["studio/talk"] = answer
            text, *_ = self.ask("studio/talk", {"prompt": "begin"})
            self.told = self.ask.events
        elif way == "url":
            with web(lambda _: answer) as server:
                text, *_ = self.ask(f"{server.url}/v1", {"prompt": "begin"})
            self.told = self.ask.events
        else:
            self.told = []
            with web(lambda _: answer) as server:
                (text,) = anyio.run(self._service, way, server.url)
        assert isinstance(text, str)
        return text

    async def _service(self, name: str, url: str) -> tuple[Value, ...]:
        service = read_service((CATALOG / f"{name}.yaml").read_text(encoding="utf-8"))
        endpoint = service.endpoints["chat"]
        async with open_client() as client:
            origin = Origin(name, url, client)
            arguments = {one.name: one.default for one in endpoint.signature.parameters if not one.required}
            call = Call(name, endpoint.signature, {**arguments, "prompt": "begin"}, self.folder, Clocks())
            return await ServiceRunner(service, endpoint, origin)(call, self.told.append)

    @property
    def warnings(self) -> list[str]:
        """What the user is warned of."""
        return [one.message for one in self.told if isinstance(one, Logged) and one.level == "warning"]


@pytest.fixture
def talk(ask: Asking, tmp_path: Path) -> Talk:
    return Talk(ask, tmp_path)


USAGE = {"id": "c", "choices": [], "usage": {"total_tokens": 2}}
TEXTS: Mapping[str, tuple[Answer, str]] = {
    "with both marks": (streamed(chunk("Hello "), chunk("there."), chunk("", "stop")), "Hello there."),
    "with a finish reason alone": (
        streamed(chunk("Hello "), chunk("there.", "stop"), end=b""),
        "Hello there.",
    ),
    "with [DONE] alone": (streamed(chunk("Hello "), chunk("there.")), "Hello there."),
    "with a mark that no space precedes": (streamed(chunk("Hi"), end=b"data:[DONE]\n\n"), "Hi"),
    "of another media type": (Answer(streamed(chunk("Hi", "stop")).body, type="text/plain"), "Hi"),
    "with comments and usage": (
        Answer(
            b": wait\n\n" + streamed(USAGE, chunk("Hi"), chunk(None, "stop"), USAGE).body,
            type="text/event-stream",
        ),
        "Hi",
    ),
    "whole": (whole("whole"), "whole"),
    "whole, of the wrong media type": (Answer(whole("whole").body, type="text/event-stream"), "whole"),
    "whole, in parts": (
        whole([{"type": "thinking", "thinking": []}, {"type": "text", "text": "parts"}]),
        "parts",
    ),
    "a completion as an event": (streamed(json.loads(whole("whole").body)), "whole"),
    "with thoughts before it": (
        streamed(chunk(None, reasoning_content="hm"), chunk(None, reasoning="hm"), chunk("So.", "stop")),
        "So.",
    ),
    "with thoughts in the text": (streamed(chunk("<think>hm</think>So.", "stop")), "<think>hm</think>So."),
    "beside another choice": (
        streamed(
            {"choices": [{"index": 1, "delta": {"content": "B"}}]},
            {"choices": [{"index": 0, "delta": {"content": "A"}}, {"index": 1, "delta": {"content": "B"}}]},
            chunk("", "stop"),
        ),
        "A",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", TEXTS)
def test_a_whole_chat_is_its_text(talk: Talk, way: str, name: str):
    """Servers of this dialect differ in how they end and whether they stream; the text is the same."""
    answer, text = TEXTS[name]

    assert talk(way, answer) == text
    assert not talk.warnings


ERROR = {"message": "model crashed", "type": "server_error", "code": 500}
REFUSAL = "I cannot help with that."
FAILURES: Mapping[str, tuple[Answer, type[errors.CallFailed], str]] = {
    "cut": (streamed(chunk("Hello "), chunk("the"), end=b""), errors.Unreachable, "after 9 letters"),
    "cut by the connection": (
        Answer(streamed(chunk("Hello "), end=b"").body, type="text/event-stream", cut=True),
        errors.Unreachable,
        "",
    ),
    "cut before it begins": (streamed(end=b""), errors.Unreachable, "after 0 letters"),
    "filtered": (streamed(chunk("He"), chunk("", "content_filter")), errors.RejectedInput, "content_filter"),
    "filtered, whole": (whole("He", "content_filter"), errors.RejectedInput, "content_filter"),
    "filtered by Z.ai": (streamed(chunk("He"), chunk("", "sensitive")), errors.RejectedInput, "sensitive"),
    "refused": (
        streamed(
            chunk(None, refusal="I cannot "), chunk(None, refusal="help with that."), chunk(None, "stop")
        ),
        errors.RejectedInput,
        REFUSAL,
    ),
    "refused, whole": (whole(None, refusal=REFUSAL), errors.RejectedInput, REFUSAL),
    "thoughts alone": (
        streamed(chunk(None, reasoning_content="hm"), chunk("", "length")),
        errors.NothingWritten,
        "thought, and wrote nothing",
    ),
    "thoughts alone, whole": (
        whole("", "length", reasoning="hm"),
        errors.NothingWritten,
        "thought, and wrote",
    ),
    "nothing": (streamed(), errors.BadOutput, "wrote nothing"),
    "nothing, with a reason": (streamed(chunk("", "stop")), errors.BadOutput, "wrote nothing"),
    "nothing, whole": (whole(""), errors.BadOutput, "wrote nothing"),
    "null, whole": (whole(None), errors.BadOutput, "wrote nothing"),
    "an error at its end": (streamed(chunk("He"), chunk("", "error")), errors.Crashed, "error"),
    "no room for it": (
        streamed(chunk("He"), chunk("", "insufficient_system_resource")),
        errors.Busy,
        "insufficient_system_resource",
    ),
    "an error inside": (streamed(chunk("Hello "), {"error": ERROR}), errors.Crashed, "model crashed"),
    "an error of TGI's": (
        streamed(chunk("He"), {"error": "model crashed", "error_type": "generation"}),
        errors.Crashed,
        "model crashed",
    ),
    "an overload of TGI's": (
        streamed({"error": "Too much to do", "error_type": "overloaded"}),
        errors.Busy,
        "Too much to do",
    ),
    "an error with a status": (
        streamed(chunk("He"), {"error": {"message": "slow down", "code": 429}, **chunk("", "error")}),
        errors.RateLimited,
        "slow down",
    ),
    "an error of vLLM's": (
        streamed({"object": "error", "message": "too many tokens", "type": "BadRequestError", "code": 400}),
        errors.RejectedInput,
        "too many tokens",
    ),
    "an error, whole": (say({"error": {"message": "it broke"}}), errors.Crashed, "it broke"),
    "a filter's error, whole": (
        say({"error": "flagged by our content moderation"}),
        errors.RejectedInput,
        "flagged by",
    ),
    "a page": (page("Sign in"), errors.BadOutput, "Sign in"),
    "words": (Answer(b"Sorry, closed", type="text/plain"), errors.BadOutput, "Sorry, closed"),
    "an event that is no JSON": (streamed(end=b"data: {oops\n\n"), errors.BadOutput, "no JSON"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FAILURES)
def test_a_chat_that_is_none_says_what_it_is(talk: Talk, way: str, name: str):
    """Half a text, an empty one or an error must not be kept as the answer to a question."""
    answer, kind, said = FAILURES[name]
    with pytest.raises(errors.CallFailed) as caught:
        talk(way, answer)

    assert type(caught.value) is kind
    assert said in caught.value.message


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reason", ["length", "max_tokens", "model_length"])
def test_a_text_that_is_cut_short_is_given_with_a_warning(talk: Talk, way: str, reason: str):
    """Who set `max_tokens` may have meant it, and who did not must see that there is more."""
    assert talk(way, streamed(chunk("Hello "), chunk("the", reason))) == "Hello the"
    assert len(talk.warnings) == 1
    assert "max_tokens" in talk.warnings[0]


@pytest.mark.parametrize("way", ["router", "url"])
def test_a_chat_that_falls_silent_ends_with_its_clock(ask: Asking, way: str, monkeypatch: pytest.MonkeyPatch):
    """A model that thinks for ever must not hold a run: the stream is left in its middle."""
    silent = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.wfile.write(streamed(chunk("Hello "), end=b"").body)
            self.wfile.flush()
            silent.wait(30)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            monkeypatch.setenv("SPACECHAIN_ROUTER", url)
            model = "studio/talk" if way == "router" else url
            with pytest.raises(errors.TimedOut):
                ask(model, {"prompt": "begin"}, task="chat-completion", run_s=1.0)
        finally:
            silent.set()
            server.shutdown()


def test_pieces_are_told_once_and_a_whole_answer_is_no_piece(talk: Talk):
    """The live view shows the text while it is written."""
    talk("router", streamed(chunk("Hello "), chunk("there.", "stop")))
    assert [one.text for one in talk.told if isinstance(one, Written)] == ["Hello ", "there."]

    talk("router", whole("whole"))
    assert not [one for one in talk.told if isinstance(one, Written)]


def test_calls_of_tools_are_an_answer_where_they_can_be_read(ask: Asking, talk: Talk):
    """A model that wants a tool called writes no text; a service gives text alone."""
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}
    answer = streamed(chunk(None, tool_calls=[call]), chunk(None, "tool_calls"))
    ask.served.refusals["studio/talk"] = answer

    assert ask("studio/talk", {"prompt": "the tide?"}) == (
        "",
        [{"id": "c1", "name": "tide", "arguments": "{}"}],
    )
    with pytest.raises(errors.BadOutput, match="wants a tool called"):
        talk("openai", answer)
    with pytest.raises(errors.BadOutput, match="wants a tool called"):
        ask("studio/talk", {"prompt": "the tide?"}, task="text-generation")


def test_a_url_that_leads_nowhere_says_where_it_was_asked(ask: Asking):
    """A chat's path is completed, which whoever wrote the URL cannot see."""
    with web(lambda _: say({"detail": "Not Found"}, 404)) as server:
        with pytest.raises(errors.Missing) as caught:
            ask(f"{server.url}/api", {"prompt": "begin"}, task="chat-completion")

        assert f"{server.url}{server.asked[0].path}" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "answer",
    [say({"detail": "Not Found"}, 404), page("Open WebUI"), say({"error": "Unexpected endpoint"})],
)
def test_an_address_without_v1_is_told_so(talk: Talk, answer: Answer):
    """OpenAI's own library wants `/v1` in the base URL; servers answer in their own ways where it lacks."""
    with pytest.raises(errors.CallFailed) as caught:
        talk("openai", answer)

    assert "without the /v1" in (caught.value.hint or "")
    assert "OPENAI_BASE_URL" in (caught.value.hint or "")
