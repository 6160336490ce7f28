import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from differential import CASES, Media, by_client, same
from gradio_client import Client
from servers import Server

from spaces_registry import File, Registry, open_registry

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def client(everything: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The reference client on the same app."""
    folder = tmp_path_factory.mktemp("client")
    opened = Client(
        everything.url, verbose=False, download_files=folder, analytics_enabled=False, token=False
    )
    yield opened
    opened.close()


@pytest.mark.parametrize("case", CASES)
async def test_a_call_gives_what_gradio_client_gives(
    case: str, everything: Server, client: Client, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """The reference client is the measure of every sort of value, byte for byte."""
    name, arguments_of = CASES[case]
    app = await registry.connect(everything.url)
    endpoint, arguments = app.space.endpoint(name), arguments_of(media)

    ours = await app.call(endpoint, arguments, folder=tmp_path)

    client.reset_session()
    assert same(ours, by_client(client, endpoint, arguments))


async def test_files_come_back_into_the_callers_folder_under_safe_names(
    everything: Server, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """A step's files must be its own: nothing is written beside its folder, nothing overwritten."""
    app = await registry.connect(everything.url)
    several = (media.picture, File(media.sound.path, "../../a b.png", "image/png"))

    [found] = await app.call(app.space.endpoint("/files"), {"value": several}, folder=tmp_path)

    assert isinstance(found, tuple)
    assert [one.path.parent for one in found if isinstance(one, File)] == [tmp_path, tmp_path]
    assert len({one.path for one in found if isinstance(one, File)}) == 2


async def test_signatures_agree_with_gradio_client(
    everything: Server, client: Client, registry: Registry
) -> None:
    """Names, required flags and defaults are what users write; they must not differ from the reference."""
    told = client.view_api(return_format="dict", print_info=False)
    space = await registry.describe(everything.url)

    assert isinstance(told, dict)
    assert {one.name for one in space.endpoints} == set(told["named_endpoints"])
    for name, theirs in told["named_endpoints"].items():
        ours = space.endpoint(name)
        assert [(p.name, p.required, p.default) for p in ours.parameters] == [
            (p["parameter_name"], not p["parameter_has_default"], p["parameter_default"])
            for p in theirs["parameters"]
        ]
        assert len(ours.returns) == len(theirs["returns"])


async def test_an_app_behind_a_login_is_called_with_user_and_password(
    guarded: Server, tmp_path: Path
) -> None:
    """Private apps of a team often have no more than Gradio's own login."""
    login = {guarded.url: ("ada", "lovelace")}
    async with open_registry(token="", auth=login) as registry:
        app = await registry.connect(guarded.url)

        assert await app.call(app.space.endpoint("/shout"), {"text": "hi"}, folder=tmp_path) == ("HI",)


async def test_an_update_without_a_value_leaves_the_output_as_it_was(
    everything: Server, registry: Registry, tmp_path: Path
) -> None:
    """Generators often end with `gr.update()` for the video and words for the status line."""
    app = await registry.connect(everything.url)

    found = await app.call(app.space.endpoint("/hush"), {"text": "film"}, folder=tmp_path)

    assert found == ("FILM", "done")


async def test_an_apps_files_are_out_of_reach_by_path(
    everything: Server, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """These tests are worth something only if a server's path means nothing here, as with a live Space."""
    app = await registry.connect(everything.url)

    [found] = await app.call(app.space.endpoint("/image"), {"value": media.picture}, folder=tmp_path)

    assert isinstance(found, File)
    there = unquote((found.url or "").partition("file=")[2])
    assert there.startswith("/")
    assert not os.path.exists(there)  # noqa: ASYNC240, PTH110 - a local look, at a text


async def test_a_text_that_names_a_file_stays_a_text(
    everything: Server, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """A prompt must never make us send somebody's file."""
    app = await registry.connect(everything.url)
    path = str(media.text.path)

    assert await app.call(app.space.endpoint("/text"), {"value": path}, folder=tmp_path) == (path,)


async def test_an_unknown_protocol_is_left_to_gradio_client(
    everything: Server, registry: Registry, media: Media, tmp_path: Path
) -> None:
    """A future Gradio may change its queue; its own client will know it before we do."""
    app = await registry.connect(everything.url)
    foreign = replace(app, space=replace(app.space, protocol="sse_v9"))
    arguments = {"text": "shout", "picture": media.picture}

    ours = await app.call(app.space.endpoint("/three"), arguments, folder=tmp_path)
    theirs = await foreign.call(app.space.endpoint("/three"), arguments, folder=tmp_path)

    assert [one.path.read_bytes() if isinstance(one, File) else one for one in ours] == [
        one.path.read_bytes() if isinstance(one, File) else one for one in theirs
    ]


async def test_json_that_has_a_path_stays_json(
    everything: Server, registry: Registry, tmp_path: Path
) -> None:
    """What is a file is said by the signature; other clients try to download this."""
    app = await registry.connect(everything.url)
    value = {"path": "/etc/hostname", "url": "https://example.org/x"}

    assert await app.call(app.space.endpoint("/json"), {"value": value}, folder=tmp_path) == (value,)
