from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus.agreement import call_differences, reference, signature_differences
from corpus.catalogue import COMPAT, LOGIN
from corpus.exceptions import DEFAULTS, EXAMPLE, OUT_OF_REACH
from differential import Media
from servers import Server, serve

from spaces_registry import open_registry

pytestmark = [pytest.mark.compat, pytest.mark.anyio]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=["5.49.1", "4.44.1"])
def version(request: pytest.FixtureRequest) -> str:
    """An older Gradio that `environments.py` has made an environment for."""
    return str(request.param)


@pytest.fixture(scope="module")
def house(version: str) -> Iterator[Server]:
    """Every app of the corpus that this Gradio can build, in one process."""
    python = ROOT / ".venvs" / f"gradio-{version}" / "bin" / "python"
    with serve(ROOT / "tests" / "corpus" / "house.py", python=python) as server:
        yield server


@pytest.mark.parametrize("name", COMPAT)
async def test_an_app_is_read_and_called_as_gradio_client_does(
    name: str, version: str, house: Server, media: Media, tmp_path: Path
) -> None:
    """Most Spaces run an older Gradio than ours; every sort of app must be understood there too."""
    url = house.url + COMPAT[name]
    async with open_registry(token="", auth={url: LOGIN} if name == "behind_login" else {}) as registry:
        app = await registry.connect(url)
        if (version, name) in OUT_OF_REACH:
            assert await app.call(app.space.endpoint("/shout"), {"text": "a"}, folder=tmp_path) == ("A",)
            return
        is_named = version.startswith("4.")
        with reference(house, name, tmp_path / "theirs", is_named=is_named) as client:
            told = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
            signatures = list(signature_differences(app.space, told))
            calls = await call_differences(app, client, told, media, tmp_path)

    assert signatures == []
    assert calls.with_examples.keys() == {one for app, one in EXAMPLE if app == name}, calls.with_examples
    assert calls.with_defaults.keys() == {one for app, one in DEFAULTS if app == name}, calls.with_defaults
