import re
from pathlib import Path

import gradio
import pytest
from corpus.agreement import call_differences, reference, signature_differences
from corpus.catalogue import APPS
from corpus.exceptions import DEFAULTS, EXAMPLE
from differential import Media
from servers import Server

from spaces_registry import Registry
from spaces_registry.errors import RejectedInput

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("corpus")]


@pytest.mark.parametrize("name", APPS)
async def test_an_app_is_read_and_called_as_gradio_client_does(
    name: str, house: Server, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """Signatures are what users write and rely on; every sort of app must mean to us what it means to it."""
    app = await registry.connect(house.url + APPS[name])
    with reference(house, name, tmp_path / "theirs") as client:
        told = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
        signatures = list(signature_differences(app.space, told))
        calls = await call_differences(app, client, told, media, tmp_path)

    assert signatures == []
    assert calls.with_examples.keys() == {one for app, one in EXAMPLE if app == name}, calls.with_examples
    assert calls.with_defaults.keys() == {one for app, one in DEFAULTS if app == name}, calls.with_defaults


NOT_USED = {
    "Component": "what all of them are",
    "FormComponent": "what many of them are",
    "NativePlot": "what plots are",
    "Fallback": "what a lost one becomes",
    "WorkflowCanvas": "Gradio's own page for its workflows",
    "LoginButton": "its app signs in at the Hub",
}


def test_every_component_of_gradio_is_in_an_app() -> None:
    """The next Gradio may have new ones, and somebody's Space will use them."""
    classes = (one for one in vars(gradio).values() if isinstance(one, type))
    components = {one.__name__ for one in classes if issubclass(one, gradio.components.Component)}
    text = "".join(path.read_text("utf-8") for path in (Path(__file__).parent / "apps").glob("*.py"))

    assert components - {*re.findall(r"\bgr\.(\w+)\b", text)} - NOT_USED.keys() == set()


@pytest.mark.parametrize("name", ["hidden", "only_hidden", "visibility", "chat_interface"])
async def test_what_an_author_keeps_to_himself_is_listed_as_such(
    name: str, house: Server, registry: Registry
) -> None:
    """A missing endpoint without a word looks like our mistake."""
    space = await registry.describe(house.url + APPS[name])

    assert {one.why for one in space.unusable} == {"its author keeps it out of the API"}


@pytest.mark.parametrize(
    ("path", "closed"), [("dropdown /first", True), ("dropdown_custom /one", False), ("radio /words", True)]
)
async def test_an_app_refuses_what_a_closed_list_lacks_and_nothing_else(
    path: str,
    closed: bool,  # noqa: FBT001 - a table's column
    house: Server,
    registry: Registry,
    tmp_path: Path,
) -> None:
    """`/info` shows both sorts of list alike; checks before the run must refuse what the app would."""
    name, endpoint_name = path.split()
    app = await registry.connect(house.url + APPS[name])
    endpoint = app.space.endpoint(endpoint_name)
    refused = None
    try:
        await app.call(endpoint, {"value": "on no list"}, folder=tmp_path)
    except RejectedInput as failure:
        refused = failure

    assert endpoint.parameters[0].closed is closed
    assert (refused is not None) is closed


async def test_a_translated_label_is_shown_in_english(house: Server, registry: Registry) -> None:
    """`/info` has an object there, and `/config` a text with JSON in it."""
    space = await registry.describe(house.url + APPS["translated_labels"])

    assert [one.label for one in space.endpoint("/go").parameters] == ["The word"]
    assert [one.name for one in space.endpoint("/go").returns] == ["what_was_said"]
    assert [one.label for one in space.endpoint("/lost").parameters] == ["nowhere"]
