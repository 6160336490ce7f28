"""Values that are more than a text or a file, on older Gradio versions."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from compat.environments import python_of
from corpus.inputs.cases import CASES, KINDS
from differential import Media
from gradio_client import Client
from servers import Server, serve

from spaces_registry import Registry

# gradio_client sets cookies per request where it speaks `sse`; httpx warns of that
COOKIES = pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
pytestmark = [pytest.mark.compat, pytest.mark.anyio, COOKIES]
APP = Path(__file__).parents[1] / "corpus" / "inputs" / "app.py"
LATER = {"editor", "datetime", "message"}  # components that Gradio 3 does not have


@pytest.fixture(scope="module", params=["5.49.1", "4.44.1"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The app on an older Gradio."""
    with serve(APP, python=python_of(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """The reference client on it."""
    opened = Client(server.url, verbose=False, analytics_enabled=False, token=False, ssl_verify=False)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def three() -> Iterator[Server]:
    """The app on Gradio 3, which the reference client cannot call."""
    with serve(APP, python=python_of("3.50.2")) as running:
        yield running


@pytest.mark.parametrize("name", [name for name, one in CASES.items() if {*"45"} & {*one.versions}])
async def test_a_value_arrives_as_gradio_client_sends_it(
    name: str, server: Server, client: Client, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """A chain is written once, and the Spaces that it names run whatever Gradio their authors had."""
    case = CASES[name]
    app = await registry.connect(server.url)
    endpoint = app.space.endpoint(case.endpoint)

    (ours,) = await app.call(endpoint, {endpoint.parameters[0].name: case.ours(media)}, folder=tmp_path)

    assert ours == client.predict(case.theirs(media), api_name=case.endpoint)


@pytest.mark.parametrize("kind", [one for one in KINDS.split() if one not in LATER])
async def test_an_empty_field_is_empty_on_gradio_3(
    kind: str, three: Server, registry: Registry, tmp_path: Path
) -> None:
    """The page of Gradio 3 sends null for it too."""
    app = await registry.connect(three.url)
    endpoint = app.space.endpoint(f"/empty_{kind}")

    (said,) = await app.call(endpoint, {endpoint.parameters[0].name: None}, folder=tmp_path)

    assert said == "None"


async def test_a_sketch_of_gradio_3_gets_its_mask(
    three: Server, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """Inpainting apps of that time read a mask beside the picture; a picture alone has none."""
    app = await registry.connect(three.url)
    endpoint = app.space.endpoint("/sketch")
    name = endpoint.parameters[0].name

    masked = {"image": media.picture, "mask": media.mask}
    (with_mask,) = await app.call(endpoint, {name: masked}, folder=tmp_path)
    (alone,) = await app.call(endpoint, {name: media.picture}, folder=tmp_path)

    assert json.loads(str(with_mask)) == {"image": [256, 256], "masked": 400}
    assert json.loads(str(alone)) == {"image": [256, 256], "masked": 0}


@pytest.mark.parametrize("name", ["chat of messages", "chat of pairs, for messages"])
async def test_a_chat_of_gradio_3_gets_its_files(
    name: str, three: Server, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """It holds them by a path of its own, so they are uploaded and not sent inside the JSON."""
    app = await registry.connect(three.url)
    endpoint = app.space.endpoint("/hear")

    (said,) = await app.call(
        endpoint, {endpoint.parameters[0].name: CASES[name].ours(media)}, folder=tmp_path
    )

    name_there, size = media.picture.name, media.picture.path.stat().st_size
    (first, second) = json.loads(str(said))
    assert first == ["see", None]
    assert second == [{"file": [second[0]["file"][0], size]}, "seen"]
    assert second[0]["file"][0].endswith(Path(name_there).suffix)


@pytest.fixture(scope="module")
def closed() -> Iterator[Server]:
    """An app on Gradio 3 whose queued functions are for its own page alone."""
    with serve(
        Path(__file__).parent / "apps" / "closed.py", python=python_of("3.50.2"), args=["api-closed"]
    ) as one:
        yield one


async def test_what_only_the_page_may_call_is_told_before_a_call(
    closed: Server, registry: Registry, tmp_path: Path
) -> None:
    """Gradio 3 does not say it in its description, and answers a call as if the function were not there."""
    app = await registry.connect(closed.url)

    assert [(one.name, "api_open=False" in one.why) for one in app.space.unusable] == [("/shout", True)]
    assert await app.call(app.space.endpoint("/quick"), {"text": "hi"}, folder=tmp_path) == ("HI",)


@pytest.mark.parametrize("how", ["no-queue", "api-hidden"])
async def test_another_way_that_is_closed_hinders_no_call_of_gradio_3(
    how: str, registry: Registry, tmp_path: Path
) -> None:
    """Without a queue, or without the page about the API, everything can be called."""
    with serve(Path(__file__).parent / "apps" / "closed.py", python=python_of("3.50.2"), args=[how]) as one:
        app = await registry.connect(one.url)
        said = [await app.call(each, {"text": "hi"}, folder=tmp_path) for each in app.space.endpoints]

    assert (said, app.space.unusable) == ([("HI",), ("HI",)], ())


@pytest.mark.parametrize("version", ["4.4.1", "4.44.1", "5.49.1"])
async def test_a_later_gradio_is_called_through_its_queue_however_its_api_is_closed(
    version: str, registry: Registry, tmp_path: Path
) -> None:
    """`api_open=False` closes the routes beside the queue, and those are not used."""
    script = Path(__file__).parent / "apps" / "closed.py"
    with serve(script, python=python_of(version), args=["api-closed"]) as one:
        app = await registry.connect(one.url)
        said = [await app.call(each, {"text": "hi"}, folder=tmp_path) for each in app.space.endpoints]

    assert said == [("HI",), ("HI",)]
