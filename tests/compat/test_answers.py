from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from PIL import Image
from servers import Server, serve

from spaces_registry import File, Registry, Value
from spaces_registry.errors import CallFailed

COOKIES = pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
pytestmark = [pytest.mark.compat, pytest.mark.anyio, COOKIES]
ENVIRONMENTS = Path(__file__).parents[2] / ".venvs"
APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="module", params=["3.50.2", "4.4.1", "4.44.1"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The app on a Gradio that speaks another protocol, or the last of its generation."""
    python = ENVIRONMENTS / f"gradio-{request.param}" / "bin" / "python"
    with serve(APPS / "old_answers.py", python=python) as running:
        yield running


@pytest.fixture
def call(server: Server, registry: Registry, tmp_path: Path):
    """Make a call by the endpoint's name; its only parameter is given by place."""

    async def make(name: str, value: Value) -> tuple[Value, ...]:
        app = await registry.connect(server.url)
        endpoint = app.space.endpoint(name)
        return await app.call(endpoint, {endpoint.parameters[0].name: value}, folder=tmp_path)

    return make


async def test_the_last_value_of_a_generator_is_the_result(call) -> None:
    """The first one succeeds just as well, and is what nobody waited for."""
    said, made = await call("/grow", 4)

    assert said == "part 3"
    assert size_of(made) == (19, 16)


async def test_a_generator_keeps_its_state_to_itself(call) -> None:
    """Each call begins with the app's own state, and its yields belong to one call."""
    assert await call("/count", "a") == ("a 1 end",)
    assert await call("/count", "b") == ("b 1 end",)


async def test_updates_are_what_they_carry_or_what_was_there(call) -> None:
    """An update is an instruction for a page, and no value."""
    assert await call("/hush", "a") == ("A", "done")
    assert await call("/shown", "a") == ("A", None)


async def test_an_annotated_picture_has_its_masks_and_labels(call) -> None:
    """A segmenter's masks are its result."""
    [picture] = await call("/parts", "cat")

    assert size_of(picture) == (64, 48)
    assert [(size_of(one["image"]), one["label"]) for one in picture.extra["annotations"]] == [
        ((64, 48), "cat"),
        ((64, 48), "dog"),
    ]


async def test_a_picture_in_a_chat_is_a_file(call) -> None:
    """An app forgets its files."""
    [talk] = await call("/chat", "hi")

    assert talk[0] == ["hi", "hello"]
    assert size_of(file_in(talk[1])) == (8, 8)


async def test_nothing_is_null(call) -> None:
    """An app that found nothing says so."""
    assert await call("/nothing", "a") == (None, None)


async def test_a_generator_that_fails_later_has_failed(call) -> None:
    """What it gave before is no result."""
    with pytest.raises(CallFailed, match="no more of it"):
        await call("/fail", "it")


def file_in(value: object) -> File:
    """The only file in a value."""
    match value:
        case File():
            return value
        case Mapping():
            return next(file for one in value.values() if (file := file_in(one)) is not None)
        case list():
            return next(file for one in value if (file := file_in(one)) is not None)
    return None


def size_of(file: File) -> tuple[int, int]:
    """Width and height of a picture."""
    with Image.open(file.path) as image:
        return image.size
