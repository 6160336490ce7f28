import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from hub_standin import TOKEN, ListedSpace, hub_standin
from leaks import SECRETS
from servers import Server
from web import Answer, Asked, Web, page, say, web

from spaces_registry import CallFailed, NotGradio, Registry, ToolkitError, open_registry
from spaces_registry.errors import (
    Asleep,
    BadOutput,
    Building,
    Missing,
    Paused,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from spaces_registry.hub.hub import may_have_token
from spaces_registry.progress import Waking

pytestmark = pytest.mark.anyio
Open = Callable[..., AbstractAsyncContextManager[Registry]]


@pytest.fixture
def spaces(everything: Server) -> dict[str, ListedSpace]:
    """What the stand-in lists; a test adds to it."""
    return {"acme/everything": ListedSpace(everything.url)}


@pytest.fixture
def hub(spaces: dict[str, ListedSpace]) -> Iterator[Web]:
    """The Hub's stand-in."""
    with hub_standin(spaces) as served:
        yield served


@pytest.fixture
def opened(hub: Web) -> Open:
    """Open a registry on the stand-in; without a token unless one is given."""

    @asynccontextmanager
    async def open_it(token: str = "", cache: Path | None = None) -> AsyncIterator[Registry]:
        async with open_registry(token=token, hub=hub.url, cache=cache) as registry:
            yield registry

    return open_it


async def test_a_space_is_called_by_its_id(opened: Open, everything: Server, tmp_path: Path) -> None:
    """The id is what users know; host, revision and state come from the Hub."""
    async with opened() as registry:
        app = await registry.connect("acme/everything")
        found = await app.call(app.space.endpoint("/text"), {"value": "hi"}, folder=tmp_path)

    assert found == ("hi",)
    assert (app.space.address, app.space.url) == ("acme/everything", everything.url)
    assert (app.space.stage, app.space.hardware, len(app.space.revision or "")) == (
        "RUNNING",
        "cpu-basic",
        40,
    )


@pytest.mark.parametrize(
    ("repo", "token", "listed", "kind", "words"),
    [
        ("acme/unknown", "", None, Unauthorized, "private, or there is none"),
        ("acme/unknown", TOKEN, None, Missing, "no such Space that this token can see"),
        ("black-forest-labs/FLUX.1-dev", "", None, Unauthorized, "private, or there is none"),
        ("acme/secret", "", {"is_private": True}, Unauthorized, "without a token"),
        ("acme/everything", SECRETS.make("wrong"), {}, Unauthorized, "does not accept the token"),
        ("acme/paused", "", {"stages": ["PAUSED"]}, Paused, "PAUSED"),
        ("acme/broken", "", {"stages": ["RUNTIME_ERROR"], "complaint": "Exit code 1"}, Paused, "Exit code 1"),
        ("acme/asleep", "", {"stages": ["SLEEPING"]}, Asleep, "SLEEPING"),
        ("acme/building", "", {"stages": ["BUILDING"]}, Building, "BUILDING"),
        ("acme/limit", "", {"refusal": say({}, 429, RateLimit='"api";r=0;t=55')}, RateLimited, "too many"),
        ("acme/lacking", TOKEN, {"refusal": say({"error": "no"}, 403)}, Unauthorized, "may not see"),
        ("acme/down", "", {"refusal": page("Bad Gateway", 502)}, Unreachable, "HTTP 502"),
        ("acme/pages", "", {"sdk": "static"}, NotGradio, "SDK is static"),
    ],
)
async def test_a_space_that_cannot_be_reached_says_why(  # noqa: PLR0917 - a table's columns
    opened: Open,
    spaces: dict[str, ListedSpace],
    repo: str,
    token: str,
    listed: dict | None,
    kind: type,
    words: str,
) -> None:
    """Each case wants another action: log in, wait, wake, choose another; the class and the hint must fit."""
    if listed is not None:
        spaces[repo] = ListedSpace("http://127.0.0.1:9", **listed)

    async with opened(token) as registry:
        with pytest.raises(ToolkitError, match=words) as failed:
            await registry.connect(repo, wake_s=0)

    assert type(failed.value) is kind
    assert failed.value.hint or kind is Unreachable
    assert "hf_" not in f"{failed.value} {failed.value.hint}"
    assert "did you mean" not in (failed.value.hint or "")
    if isinstance(failed.value, RateLimited):
        assert failed.value.wait_s == 55


async def test_a_hub_that_is_down_is_unreachable() -> None:
    """Offline is an everyday state of laptops."""
    async with open_registry(token="", hub="http://127.0.0.1:9") as registry:
        with pytest.raises(Unreachable, match="the Hub cannot be reached"):
            await registry.connect("acme/everything")


@pytest.mark.parametrize("answer", [say({}), say({"error": "none"}), say([]), page("Sign in")], ids=str)
async def test_a_hub_that_is_something_else_is_told(answer: Answer) -> None:
    """A proxy's sign-in page, or a mistaken `HF_ENDPOINT`, is not a fault of ours."""
    with web(lambda _: answer) as served:
        async with open_registry(hub=served.url) as registry:
            with pytest.raises(BadOutput, match="no record of a Space"):
                await registry.connect("acme/everything")


async def test_a_private_space_is_reached_with_the_token_and_its_app_elsewhere_gets_none(
    opened: Open, spaces: dict[str, ListedSpace]
) -> None:
    """The token opens the Hub's door; an app that is not below hf.space must never see it."""

    def answer(asked: Asked) -> Answer:
        return say(
            {"dependencies": [], "components": []} if asked.path == "/config" else {"named_endpoints": {}}
        )

    with web(answer) as app:
        spaces["acme/secret"] = ListedSpace(app.url, is_private=True)
        async with opened(TOKEN) as registry:
            await registry.connect("acme/secret")

    assert app.asked
    assert not any("authorization" in one.headers for one in app.asked)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://acme-app.hf.space", True),
        ("http://acme-app.hf.space", False),
        ("https://hf.space.evil.example", False),
        ("https://evil-hf.space", False),
        ("https://evil.example/.hf.space", False),
        ("https://a@evil.hf.space", False),
        ("http://127.0.0.1:7860", False),
    ],
)
def test_only_apps_below_hf_space_get_the_token(url: str, may: bool) -> None:  # noqa: FBT001 - a table's column
    """The Hub names the host, but a look-alike must not pass."""
    assert may_have_token(url) is may


async def test_a_sleeping_space_is_woken_by_a_visit_and_waited_for(
    opened: Open, spaces: dict[str, ListedSpace]
) -> None:
    """Most Spaces sleep; a visit wakes one, and the Hub's proxy sends pages meanwhile."""
    listed = ListedSpace("", stages=["SLEEPING"])
    visits: list[str] = []

    def answer(asked: Asked) -> Answer:
        visits.append(asked.path)
        if asked.path == "/" and listed.stages == ["SLEEPING"]:
            listed.stages = ["APP_STARTING", "APP_STARTING", "RUNNING"]
            return page("Preparing Space", 503)
        if visits.count("/config") == 1:
            return page("Preparing Space", 503)
        return say(
            {"dependencies": [], "components": []} if asked.path == "/config" else {"named_endpoints": {}}
        )

    heard: list[str] = []
    with web(answer) as app:
        listed.host = app.url
        spaces["acme/asleep"] = listed
        async with opened() as registry:
            found = await registry.connect(
                "acme/asleep",
                wake_s=30,
                tell=lambda one: heard.append(one.stage) if isinstance(one, Waking) else None,
            )

    assert visits[0] == "/"
    assert found.space.stage == "RUNNING"
    assert heard[0] == "SLEEPING"
    assert "APP_STARTING" in heard


async def test_a_space_without_api_is_described_as_such(opened: Open, spaces: dict[str, ListedSpace]) -> None:
    """Authors may switch their API off; asking for an endpoint must say so, not list nothing."""

    def answer(asked: Asked) -> Answer:
        return say(
            {"dependencies": [], "components": []} if asked.path == "/config" else {"named_endpoints": {}}
        )

    with web(answer) as app:
        spaces["acme/mute"] = ListedSpace(app.url)
        async with opened() as registry:
            space = await registry.describe("acme/mute")

    with pytest.raises(ToolkitError, match="acme/mute offers no API"):
        space.endpoint("/draw")


async def test_many_tasks_share_one_app(opened: Open, hub: Web) -> None:
    """Fifty steps on one Space must not ask the Hub fifty times."""
    found: list[object] = []
    async with opened() as registry:

        async def connect() -> None:
            found.append(await registry.connect("acme/everything"))

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(connect)

    assert len(set(map(id, found))) == 1
    assert len(hub.asked) == 1


async def test_a_description_is_kept_by_revision_and_a_damaged_one_is_written_again(
    opened: Open, spaces: dict[str, ListedSpace], tmp_path: Path
) -> None:
    """A plan must not wake a Space, and no half-written file may break one."""
    async with opened(cache=tmp_path) as registry:
        first = (await registry.connect("acme/everything")).space
    [entry] = (tmp_path / "acme--everything").iterdir()
    spaces["acme/everything"].stages = ["SLEEPING"]
    async with opened(cache=tmp_path) as registry:
        remembered = await registry.describe("acme/everything")

    assert remembered.endpoints == first.endpoints
    assert remembered.stage == "SLEEPING"

    entry.write_text(entry.read_text("utf-8")[:-40], "utf-8")
    async with opened(cache=tmp_path) as registry:
        with pytest.raises(Asleep):
            await registry.describe("acme/everything")
    spaces["acme/everything"].stages = ["RUNNING"]
    async with opened(cache=tmp_path) as registry:
        assert (await registry.describe("acme/everything")).endpoints == first.endpoints
    assert json.loads(entry.read_text("utf-8"))["revision"] == first.revision

    spaces["acme/everything"].revision = "b" * 40
    async with opened(cache=tmp_path) as registry:
        assert (await registry.describe("acme/everything")).revision == "b" * 40


async def test_a_cache_that_cannot_be_written_is_told(opened: Open, tmp_path: Path) -> None:
    """A full disk must be named as such, not end in a traceback."""
    (tmp_path / "cache").write_text("a file in the folder's place", "utf-8")

    async with opened(cache=tmp_path / "cache") as registry:
        with pytest.raises(ToolkitError, match="cannot keep descriptions") as failed:
            await registry.connect("acme/everything")

    assert failed.value.code == "unwritable-cache"


async def test_an_app_that_broke_off_is_looked_up_again(
    opened: Open, spaces: dict[str, ListedSpace], everything: Server, tmp_path: Path
) -> None:
    """A Space that restarted elsewhere must be found by the next try, not only by the next run."""
    spaces["acme/moving"] = ListedSpace("")

    def answer(asked: Asked) -> Answer:
        if asked.path == "/config":
            component = {"id": 1, "type": "textbox", "props": {}, "api_info": {"type": "string"}}
            dependency = {"id": 0, "api_name": "text", "inputs": [1], "outputs": [1]}
            return say({"protocol": "sse_v3", "components": [component], "dependencies": [dependency]})
        return page("gone", 404 if asked.path.startswith(("/info", "/openapi")) else 502)

    with web(answer) as old:
        spaces["acme/moving"].host = old.url
        async with opened() as registry:
            app = await registry.connect("acme/moving")
            with pytest.raises(CallFailed):
                await app.call(app.space.endpoint("/text"), {"parameter": "x"}, folder=tmp_path)
            spaces["acme/moving"].host = everything.url
            again = await registry.connect("acme/moving")

    assert again.space.url == everything.url


async def test_a_space_can_be_taken_from_elsewhere(everything: Server) -> None:
    """Offline work and tests put a local app in a Space's place, which keeps its name in every message."""
    async with open_registry(token=TOKEN, hub="http://127.0.0.1:9", use={"flux": everything.url}) as registry:
        app = await registry.connect("black-forest-labs/FLUX.1-dev")

    assert (app.space.address, app.space.url) == ("black-forest-labs/FLUX.1-dev", everything.url)
