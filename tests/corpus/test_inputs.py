"""Values that are more than a text or a file arrive as `gradio_client` makes them arrive."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus.inputs.cases import CASES
from differential import Media
from gradio_client import Client
from servers import Server, serve

from spaces_registry import Registry

pytestmark = [pytest.mark.corpus, pytest.mark.anyio]
APP = Path(__file__).parent / "inputs" / "app.py"


@pytest.fixture(scope="module")
def app_with_inputs() -> Iterator[Server]:
    """The app on the current Gradio."""
    with serve(APP) as server:
        yield server


@pytest.fixture(scope="module")
def client(app_with_inputs: Server) -> Iterator[Client]:
    """The reference client on it."""
    opened = Client(
        app_with_inputs.url, verbose=False, analytics_enabled=False, token=False, ssl_verify=False
    )
    yield opened
    opened.close()


@pytest.mark.parametrize("name", [name for name, one in CASES.items() if "6" in one.versions])
async def test_a_value_arrives_as_gradio_client_sends_it(
    name: str, app_with_inputs: Server, client: Client, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """An app cannot tell who calls it: whatever it takes from the reference it gets from a chain."""
    case = CASES[name]
    app = await registry.connect(app_with_inputs.url)
    endpoint = app.space.endpoint(case.endpoint)

    (ours,) = await app.call(endpoint, {endpoint.parameters[0].name: case.ours(media)}, folder=tmp_path)

    assert ours == client.predict(case.theirs(media), api_name=case.endpoint)
