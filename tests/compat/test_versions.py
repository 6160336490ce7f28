from collections.abc import Iterator
from pathlib import Path

import pytest
from differential import CASES, Media, by_client, same
from gradio_client import Client
from servers import Server, serve

from spaces_registry import File, Registry
from spaces_registry.errors import CallFailed, Crashed, RejectedInput

# gradio_client sets cookies per request where it speaks `sse`; httpx warns of that
COOKIES = pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
pytestmark = [pytest.mark.compat, pytest.mark.anyio, COOKIES]
HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".venvs"
EVERYTHING = HERE.parent / "registry" / "apps" / "everything.py"


def python_of(version: str) -> Path:
    """The interpreter that has that Gradio, made by `environments.py`."""
    return ENVIRONMENTS / f"gradio-{version}" / "bin" / "python"


@pytest.fixture(scope="module", params=["5.49.1", "4.44.1"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The app of the current version, on an older Gradio."""
    with serve(EVERYTHING, python=python_of(request.param)) as running:
        yield running


@pytest.fixture(scope="module", params=["5.49.1", "4.44.1"])
def failing(request: pytest.FixtureRequest) -> Iterator[Server]:
    """An app that fails in both ways, on an older Gradio."""
    with serve(HERE / "apps" / "old.py", python=python_of(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The reference client on the same app."""
    folder = tmp_path_factory.mktemp("client")
    opened = Client(server.url, verbose=False, download_files=folder, analytics_enabled=False, token=False)
    yield opened
    opened.close()


@pytest.mark.parametrize("case", CASES)
async def test_a_call_gives_what_gradio_client_gives(
    case: str, server: Server, client: Client, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """Most Spaces run an older Gradio than ours; every sort of value must arrive there too."""
    name, arguments_of = CASES[case]
    app = await registry.connect(server.url)
    endpoint, arguments = app.space.endpoint(name), arguments_of(media)

    ours = await app.call(endpoint, arguments, folder=tmp_path)

    client.reset_session()
    assert same(ours, by_client(client, endpoint, arguments))


async def test_signatures_agree_with_gradio_client(
    server: Server, client: Client, registry: Registry
) -> None:
    """Names, required flags and defaults are what users write; they must not differ from the reference."""
    told = client.view_api(return_format="dict", print_info=False)
    space = await registry.describe(server.url)

    assert isinstance(told, dict)
    assert {one.name for one in space.endpoints} == set(told["named_endpoints"])
    for name, theirs in told["named_endpoints"].items():
        assert [(p.name, p.required, p.default) for p in space.endpoint(name).parameters] == [
            (p["parameter_name"], not p["parameter_has_default"], p["parameter_default"])
            for p in theirs["parameters"]
        ]


async def test_an_enum_that_is_violated(server: Server, registry: Registry, tmp_path: Path) -> None:
    """Gradio 5 refuses what is not on its list; 4.44 does not check, and answers."""
    app = await registry.connect(server.url)

    if app.space.gradio == "4.44.1":
        assert await app.call(app.space.endpoint("/dropdown"), {"value": "cubist"}, folder=tmp_path) == (
            "cubist",
        )
        return
    with pytest.raises(RejectedInput, match="cubist"):
        await app.call(app.space.endpoint("/dropdown"), {"value": "cubist"}, folder=tmp_path)


@pytest.fixture(scope="module", params=[("3.50.2", "ws"), ("4.4.1", "sse"), ("4.10.0", "sse_v1")])
def old(request: pytest.FixtureRequest) -> Iterator[tuple[Server, str]]:
    """An app of another time, and the protocol it speaks."""
    version, protocol = request.param
    with serve(HERE / "apps" / "old.py", python=python_of(version)) as running:
        yield running, protocol


async def test_an_old_app_is_called_by_another_way(
    old: tuple[Server, str], registry: Registry, media: Media, tmp_path: Path
) -> None:
    """A few Spaces that people love were never updated."""
    server, protocol = old
    app = await registry.connect(server.url)
    shout, image, file = (app.space.endpoint(name) for name in ("/shout", "/image", "/file"))

    said = await app.call(
        shout, {shout.parameters[0].name: "hi", shout.parameters[1].name: 5}, folder=tmp_path
    )
    [made] = await app.call(image, {image.parameters[0].name: media.picture}, folder=tmp_path)
    [back] = await app.call(file, {file.parameters[0].name: media.text}, folder=tmp_path)

    assert app.space.protocol == protocol
    assert said == ("HI", 10)
    assert isinstance(made, File)
    assert made.path.read_bytes()[1:4] in (b"PNG", media.picture.path.read_bytes()[1:4])
    assert isinstance(back, File)
    assert back.path.read_bytes() == media.text.path.read_bytes()


async def test_an_old_apps_error_keeps_its_words(
    old: tuple[Server, str], registry: Registry, tmp_path: Path
) -> None:
    """It refuses on purpose, and says so in quotation marks alone."""
    app = await registry.connect(old[0].url)
    refuse = app.space.endpoint("/refuse")

    with pytest.raises(RejectedInput) as refused:
        await app.call(refuse, {refuse.parameters[0].name: "no face"}, folder=tmp_path)

    assert refused.value.said == "no face"


async def test_an_old_app_that_breaks_down_crashed(
    old: tuple[Server, str], registry: Registry, tmp_path: Path
) -> None:
    """Nobody raised that on purpose, though the app shows its errors."""
    app = await registry.connect(old[0].url)
    endpoint = app.space.endpoint("/break_down")

    with pytest.raises(Crashed, match="no such luck"):
        await app.call(endpoint, {endpoint.parameters[0].name: "no such luck"}, folder=tmp_path)


@pytest.mark.parametrize(("name", "kind"), [("/refuse", RejectedInput), ("/break_down", Crashed)])
async def test_an_app_that_refuses_is_told_from_one_that_breaks_down(
    name: str, kind: type[CallFailed], failing: Server, registry: Registry, tmp_path: Path
) -> None:
    """Every Gradio since 4.40 tells it by a field of its own."""
    app = await registry.connect(failing.url)
    with pytest.raises(kind) as failed:
        await app.call(app.space.endpoint(name), {"text": "'quoted'"}, folder=tmp_path)

    assert type(failed.value) is kind
