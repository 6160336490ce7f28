from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from differential import Media
from leaks import SecretMaker
from servers import Server, free_port, serve
from web import Answer, Asked, page, say, stream, web

from spaces_registry import App, CallFailed, Clocks, File, Registry, ToolkitError, Value, open_registry
from spaces_registry.apps.app import describe
from spaces_registry.bookmarks import load_bookmarks
from spaces_registry.errors import (
    BadOutput,
    Building,
    Busy,
    Crashed,
    OutOfQuota,
    RateLimited,
    RejectedInput,
    TimedOut,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
)
from spaces_registry.network.origin import Origin, open_client
from spaces_registry.progress import CallEvent, Logged, Progress, Queued, Started, Yielded

pytestmark = pytest.mark.anyio
FREELY = Clocks()
Ask = Callable[..., Awaitable[tuple[Value, ...]]]

NO_GPU = "No GPU was available after 60s. Try re-running outside of examples or sign up for more quota"
QUOTA = "You have exceeded your free ZeroGPU quota (60s requested vs. 3s left). Try again in 1:23:45. "
DAYS = "You have exceeded your ZeroGPU quota. Try again in 1 day, 2:03:04"


@pytest.fixture
async def ask(failing: Server, registry: Registry, tmp_path: Path) -> Ask:
    """Call the failing app by endpoint name and arguments."""
    app = await registry.connect(failing.url)

    async def call(name: str, /, clocks: Clocks = FREELY, tell: Any = lambda _: None, **given: Value) -> Any:
        return await app.call(app.space.endpoint(name), given, folder=tmp_path, clocks=clocks, tell=tell)

    return call


@pytest.mark.parametrize(
    ("name", "given", "kind", "wait_s"),
    [
        ("refuse", {"words": "Face not found, quota or not"}, RejectedInput, None),
        ("refuse", {"words": "Space not found in your text"}, RejectedInput, None),
        ("refuse", {"words": NO_GPU, "title": "ZeroGPU quota exceeded"}, Busy, None),
        ("refuse", {"words": QUOTA, "title": "ZeroGPU quota exceeded"}, OutOfQuota, 5025.0),
        ("refuse", {"words": DAYS, "title": "ZeroGPU quota exceeded"}, OutOfQuota, 93784.0),
        (
            "refuse",
            {"words": "The requested GPU duration (300s) is larger than the maximum allowed"},
            RejectedInput,
            None,
        ),
        ("refuse", {"words": "", "title": "Not today"}, RejectedInput, None),
        ("refuse", {"words": "The server is busy, come back later"}, Busy, None),
        ("refuse", {"words": "Somebody else is drawing. Try again in 30 seconds."}, Busy, 30.0),
        ("refuse", {"words": "You have used up your monthly credits"}, OutOfQuota, None),
        ("refuse", {"words": "Rate limit exceeded: 3 per hour"}, RateLimited, None),
        ("refuse", {"words": "The model is still loading"}, Building, None),
        ("break_down", {"text": "a key"}, Crashed, None),
        ("break_down", {"text": "the server is busy"}, Crashed, None),
        ("style", {"one": "cubist"}, RejectedInput, None),
        ("bounded", {"one": 99}, RejectedInput, None),
    ],
)
async def test_an_apps_error_has_a_class_and_keeps_its_words(
    ask: Ask, name: str, given: Mapping[str, Value], kind: type[CallFailed], wait_s: float | None
) -> None:
    """The policy acts on the class, the user on the app's own words; neither may hide the other."""
    with pytest.raises(kind) as failed:
        await ask(name, **given)

    assert type(failed.value) is kind
    assert failed.value.said
    assert str(given.get("words", "")) in failed.value.said
    assert failed.value.wait_s == wait_s


async def test_an_app_that_dies_in_a_call_is_unreachable(registry: Registry, tmp_path: Path) -> None:
    """A Space out of memory cuts the stream; the call must end at once, and may be tried elsewhere."""
    with serve(Path(__file__).parent / "apps" / "failing.py") as server:
        app = await registry.connect(server.url)
        with pytest.raises(Unreachable):
            await app.call(app.space.endpoint("/die"), {"text": "x"}, folder=tmp_path)

        assert app.is_doubtful


async def test_nobody_listening_is_unreachable(registry: Registry) -> None:
    """A stopped app at a known address must be told apart from a bad answer."""
    with pytest.raises(Unreachable, match="no connection"):
        await registry.connect(f"http://127.0.0.1:{free_port()}")


async def test_a_full_queue_is_busy_and_a_call_taken_back_never_runs(ask: Ask) -> None:
    """Popular Spaces refuse callers, and a call that nobody waits for must not cost GPU time."""
    running, waiting = anyio.Event(), anyio.Event()

    def first(event: CallEvent) -> None:
        if isinstance(event, Started):
            running.set()

    def second(event: CallEvent) -> None:
        if isinstance(event, Queued):
            waiting.set()

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: ask("hold", name="one", tell=first))
        await running.wait()
        async with anyio.create_task_group() as queued:
            queued.start_soon(lambda: ask("hold", name="two", tell=second))
            await waiting.wait()
            waiting = anyio.Event()
            queued.start_soon(lambda: ask("hold", name="three", tell=second))
            await waiting.wait()
            with pytest.raises(Busy, match="Queue is full"):
                await ask("hold", name="four")
            queued.cancel_scope.cancel()
        await ask("release", name="one")
    await ask("release", name="five")
    await ask("hold", name="five")

    [ran] = await ask("ran")
    assert [name for name in ran if name in ("one", "two", "three", "four", "five")] == ["one", "five"]


async def test_cancelling_stops_a_generator_in_the_app(ask: Ask) -> None:
    """Ctrl-C during a ten-minute video must stop the Space's work, not only ours."""
    async with anyio.create_task_group() as group:

        def heard(event: CallEvent) -> None:
            if isinstance(event, Yielded):
                group.cancel_scope.cancel()

        group.start_soon(lambda: ask("endless", name="cancelled", tell=heard))

    assert await ask("was_stopped", name="cancelled") == (True,)


async def test_a_run_longer_than_its_clock_times_out_and_is_stopped(ask: Ask) -> None:
    """A hung app must not hang a chain, nor go on working for nobody."""
    with pytest.raises(TimedOut, match=r"within 0\.3 s of work"):
        await ask("endless", name="late", clocks=Clocks(run_s=0.3))

    assert await ask("was_stopped", name="late") == (True,)


async def test_a_file_above_the_apps_limit_is_refused_before_it_is_sent(ask: Ask, media: Media) -> None:
    """Sending 500 MB to hear no is a waste of minutes."""
    heard: list[CallEvent] = []

    with pytest.raises(RejectedInput, match="takes files up to"):
        await ask("file", one=media.clip, tell=heard.append)

    assert heard == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"wordz": "x"}, "no parameter 'wordz'"),
        ({}, "needs a value for 'words'"),
        ({"words": File(Path(__file__), "text.py")}, "takes text, not the file"),
        ({"words": float("nan")}, "cannot be sent"),
    ],
)
async def test_arguments_that_cannot_be_sent_are_refused_here(
    ask: Ask, given: Mapping[str, Value], words: str
) -> None:
    """A clear word before the call beats a strange one after it."""
    with pytest.raises(RejectedInput, match=words):
        await ask("refuse", **given)


@pytest.mark.parametrize("path", [Path("missing.png"), Path(__file__).parent])
async def test_a_file_that_cannot_be_read_is_refused_here(ask: Ask, path: Path) -> None:
    """A file that a user deleted meanwhile is no fault of the app."""
    with pytest.raises(RejectedInput, match="cannot read"):
        await ask("file", one=File(path, "missing.png"))


async def test_position_progress_and_log_are_told(ask: Ask) -> None:
    """Two minutes of silence look like a hang; the app's own signs of life must come through."""
    heard: list[CallEvent] = []
    told = anyio.Event()

    def hear(event: CallEvent) -> None:
        heard.append(event)
        if isinstance(event, Progress):
            told.set()

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: ask("talk", text="progress", tell=hear))
        await told.wait()
        await ask("release", name="progress")

    kinds = [type(one) for one in heard]
    assert kinds.index(Queued) < kinds.index(Started) < kinds.index(Progress)
    assert Progress(1, 4, 0.25, "steps", "Thinking") in heard
    assert Logged("info", "listen") in heard


CONFIG = {
    "version": "6.31.0",
    "api_prefix": "/gradio_api",
    "protocol": "sse_v3",
    "components": [
        {"id": 1, "type": "textbox", "props": {"label": "Prompt"}, "api_info": {"type": "string"}},
        {"id": 2, "type": "image", "props": {"label": "Made"}, "api_info": {}},
    ],
    "dependencies": [
        {"id": 0, "api_name": "draw", "inputs": [1], "outputs": [2], "types": {"generator": False}}
    ],
}
INFO = {
    "named_endpoints": {
        "/draw": {
            "parameters": [{"parameter_name": "prompt", "label": "Prompt", "type": {"type": "string"}}],
            "returns": [{"label": "Made", "type": {}, "component": "Image"}],
        }
    }
}
JOINED = say({"event_id": "e"})


def done(value: Any) -> Answer:
    """A stream that ends with this output."""
    completed = {"msg": "process_completed", "event_id": "e", "success": True, "output": {"data": [value]}}
    return stream({"msg": "process_starts", "event_id": "e"}, completed, {"msg": "close_stream"})


def acting(**answers: Answer) -> Callable[[Asked], Answer]:
    """A server that describes itself as Gradio does and answers `join`, `data` and `file` as told."""

    def answer(asked: Asked) -> Answer:
        match asked.path.removeprefix("/gradio_api"):
            case "/config":
                return answers.get("config") or say(CONFIG, Set_Cookie="affinity=replica-7; Path=/")
            case "/info":
                return answers.get("info") or say(INFO)
            case "/queue/join":
                return answers.get("join") or JOINED
            case "/queue/data":
                return answers.get("data") or done(None)
        return answers.get("file") or Answer(b"bytes", type="image/png")

    return answer


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ({"join": page("Sign in")}, Unreachable, "web page \\(Sign in\\) in place of JSON"),
        ({"data": page("Your Space is starting")}, Unreachable, "Your Space is starting"),
        ({"join": page("502 Bad Gateway", 502)}, Unreachable, "HTTP 502: 502 Bad Gateway"),
        ({"join": say({"detail": "slow down"}, 429, Retry_After="17")}, RateLimited, "slow down"),
        ({"join": say({"detail": "Not authenticated"}, 401)}, Unauthorized, "Not authenticated"),
        ({"join": say({"detail": [{"msg": "too short"}]}, 422)}, RejectedInput, "too short"),
        ({"join": say({"detail": "Queue is stopped."}, 503)}, Unreachable, "Queue is stopped"),
        ({"data": Answer(b'data: {"msg": "estim', type="text/event-stream", cut=True)}, Unreachable, "broke"),
        ({"data": stream({"msg": "heartbeat"})}, Unreachable, "connection ended"),
        ({"data": Answer(b"data: nonsense\n\n", type="text/event-stream")}, BadOutput, "cannot be read"),
        (
            {"data": stream({"msg": "unexpected_error", "message": "Server stopped."})},
            Unreachable,
            "Server stopped",
        ),
        ({"data": done("a word")}, UnexpectedAnswer, "'made' should be image, but came as 'a word'"),
        (
            {"data": done({"path": "/x.png"}), "file": say({"detail": "File not allowed"}, 403)},
            BadOutput,
            "hand out",
        ),
        (
            {"data": done({"path": "/x.png"}), "file": Answer(b"half", type="image/png", cut=True)},
            Unreachable,
            "broke",
        ),
    ],
)
async def test_what_comes_in_place_of_a_result_has_a_class(
    registry: Registry, tmp_path: Path, answers: Mapping[str, Answer], kind: type[CallFailed], words: str
) -> None:
    """Proxies, sign-in pages and restarts answer too; none of it may end as data or as a traceback."""
    with web(acting(**answers)) as served:
        app = await registry.connect(served.url)
        with pytest.raises(kind, match=words) as failed:
            await app.call(app.space.endpoint("/draw"), {"prompt": "x"}, folder=tmp_path)

    assert type(failed.value) is kind


async def test_an_answer_of_an_unexpected_shape_comes_whole_with_its_files(
    registry: Registry, tmp_path: Path
) -> None:
    """GPU time was paid for it; a file that is left in the app is gone with the app's next restart."""
    file = {"path": "/x.png", "url": None, "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
    with web(acting(data=done([{"seed": 3}, file]))) as served:
        app = await registry.connect(served.url)
        with pytest.raises(UnexpectedAnswer) as failed:
            await app.call(app.space.endpoint("/draw"), {"prompt": "x"}, folder=tmp_path)

    [[facts, kept]] = failed.value.answer
    assert facts == {"seed": 3}
    assert kept.path.read_bytes() == b"bytes"


async def test_rate_limits_say_how_long_to_wait(registry: Registry) -> None:
    """A retry before its time only prolongs the ban."""
    limited = say({"error": "slow down"}, 429, Retry_After="17")
    with web(acting(config=limited)) as served, pytest.raises(RateLimited) as failed:
        await registry.connect(served.url)

    assert failed.value.wait_s == 17


async def test_a_page_in_place_of_the_configuration_is_told(registry: Registry) -> None:
    """A wrong URL usually leads to some web page; the message must say so."""
    with web(acting(config=page("My blog"))) as served, pytest.raises(Unreachable, match="My blog"):
        await registry.connect(served.url)


async def test_another_hosts_file_gets_neither_token_nor_cookie(tmp_path: Path, secret: SecretMaker) -> None:
    """An app may name any URL as its output; it cannot make us hand over the user's token there."""
    with web(lambda _: Answer(b"stolen", type="image/png")) as thief:
        lure = {"path": f"{thief.url}/x.png", "url": f"{thief.url}/x.png", "orig_name": "../../x.png"}
        moved = Answer(status=302, headers={"location": f"{thief.url}/y.png"})
        for answers in ({"data": done(lure)}, {"data": done({"path": "/own.png"}), "file": moved}):
            with web(acting(**answers)) as served:
                async with open_client() as client:
                    origin = Origin("acme/app", served.url, client, secret("own"))
                    app = App(await describe(origin), origin)
                    [found] = await app.call(app.space.endpoint("/draw"), {"prompt": "x"}, folder=tmp_path)

            assert isinstance(found, File)
            assert found.path.parent == tmp_path
            assert found.path.read_bytes() == b"stolen"
            own = [one for one in served.asked if one.path.endswith(("/join", "/data"))]
            assert all(one.headers["authorization"] == f"Bearer {secret('own')}" for one in own)
            assert all("affinity=replica-7" in one.headers["cookie"] for one in own)

    assert len(thief.asked) == 2
    assert not any({"authorization", "cookie"} & set(one.headers) for one in thief.asked)


async def test_an_app_that_moved_is_called_where_it_is_now(
    everything: Server, registry: Registry, tmp_path: Path
) -> None:
    """People write http for https and old names; a redirect leads to the app, and calls must follow."""
    with web(lambda asked: Answer(status=308, headers={"location": f"{everything.url}{asked.path}"})) as old:
        app = await registry.connect(old.url)
        found = await app.call(app.space.endpoint("/text"), {"value": "hi"}, folder=tmp_path)

    assert found == ("hi",)
    assert app.space.url == everything.url


async def test_where_an_app_moved_to_gets_no_cookie_of_its_old_host(
    registry: Registry, tmp_path: Path
) -> None:
    """A cookie may be a login; on one machine two ports are two hosts, though cookies know no ports."""
    with web(acting(data=done(None))) as thief:

        def leads_away(asked: Asked) -> Answer:
            headers = {
                "location": f"{thief.url}{asked.path}",
                "set-cookie": "session=of-the-old-host; Path=/",
            }
            return Answer(status=308, headers=headers)

        with web(leads_away) as old:
            app = await registry.connect(old.url)
            await app.call(app.space.endpoint("/draw"), {"prompt": "x"}, folder=tmp_path)

    assert any(one.path.endswith("/join") for one in thief.asked)
    assert not any("of-the-old-host" in one.headers.get("cookie", "") for one in thief.asked)


async def test_a_folder_that_cannot_be_written_is_told(registry: Registry, tmp_path: Path) -> None:
    """A full disk is not the app's fault, and no reason to call it again."""
    with web(acting(data=done({"path": "/x.png"}))) as served:
        app = await registry.connect(served.url)
        with pytest.raises(ToolkitError, match="cannot write") as failed:
            await app.call(app.space.endpoint("/draw"), {"prompt": "x"}, folder=tmp_path / "missing")

    assert not isinstance(failed.value, CallFailed)


async def test_a_token_that_an_app_repeats_is_not_shown(tmp_path: Path, secret: SecretMaker) -> None:
    """An app can put our header into its error; logs and reports must not carry it on."""
    echo = say({"detail": f"bad header Bearer {secret('own')}"}, 401)
    with web(acting(join=echo)) as served:
        async with open_client() as client:
            origin = Origin("acme/app", served.url, client, secret("own"))
            app = App(await describe(origin), origin)
            with pytest.raises(Unauthorized) as failed:
                await app.call(app.space.endpoint("/draw"), {"prompt": "x"}, folder=tmp_path)

    told = f"{failed.value} {failed.value.said} {failed.value.message} {failed.value.args} {app!r}"
    assert secret("own") not in told
    assert "***" in told


async def test_a_login_that_fails_is_unauthorized(guarded: Server, registry: Registry) -> None:
    """Without or with wrong credentials the user must read which of the two it is."""
    with pytest.raises(Unauthorized, match="401"):
        await registry.connect(guarded.url)
    async with open_registry(token="", auth={guarded.url: ("ada", "wrong")}) as other:
        with pytest.raises(Unauthorized, match="user name or the password"):
            await other.connect(guarded.url)


async def test_a_login_is_kept_by_the_user_and_used_by_name_and_by_url(
    guarded: Server, everything: Server, tmp_path: Path, secret: SecretMaker
) -> None:
    """Whoever has a password can use the app from the command line, and it goes nowhere else."""
    file = tmp_path / "spaces.yaml"
    file.write_text(f"club: {{space: '{guarded.url}', login: $CLUB}}\n")
    own = load_bookmarks(file, {"CLUB": "ada:lovelace"})
    async with open_registry(token="", own=own) as registry:
        by_name, by_url = await registry.connect("club"), await registry.connect(guarded.url)
        assert by_name.space.endpoint("/shout") == by_url.space.endpoint("/shout")
    async with open_registry(token="", own=own, use={"club": everything.url}) as registry:
        assert (await registry.connect("club")).space.url == everything.url
    wrong = load_bookmarks(file, {"CLUB": f"ada:{secret('password')}"})
    async with open_registry(token="", own=wrong) as registry:
        with pytest.raises(Unauthorized, match="user name or the password"):
            await registry.connect("club")
    assert "lovelace" not in f"{own!r}"
