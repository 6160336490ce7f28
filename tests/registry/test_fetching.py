"""Files of an answer that do not lie where they are expected, or not in one piece."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from servers import free_port
from web import Answer, Asked, Web, page, web

from spaces_registry import File
from spaces_registry.apps.files import Shelf
from spaces_registry.clocks import Clocks
from spaces_registry.errors import BadOutput, FileUnavailable
from spaces_registry.network.origin import Origin, open_client
from spaces_registry.progress import unheard

pytestmark = pytest.mark.anyio
PARTS = {"one.aac": b"first,", "two.aac": b"second,", "three.aac": b"third"}
PLAYLIST = "#EXTM3U\n#EXT-X-VERSION:4\n" + "".join(f"#EXTINF:1.0,\n{one}?__sign=x\n" for one in PARTS)


async def fetched(app: Web, folder: Path, **data: Any) -> File:
    """One file, as an answer of the app names it."""
    async with open_client() as client:
        shelf = Shelf(Origin("the app", app.url, client), "/gradio_api", folder)
        file = shelf.keep({"orig_name": "made.bin", **data}, None)
        await shelf.fill(Clocks(), unheard)
        return file


def streaming(whole: Answer) -> Callable[[Asked], Answer]:
    """An app with a stream of three parts, and what it says when asked for all of it in one file."""

    def answer(asked: Asked) -> Answer:
        name = asked.path.rpartition("/")[2]
        if name == "playlist-file":
            return whole
        if name == "playlist.m3u8":
            return Answer(PLAYLIST.encode(), type="application/vnd.apple.mpegurl")
        return Answer(PARTS[name]) if name in PARTS and asked.query == "__sign=x" else page("no", 404)

    return answer


@pytest.mark.parametrize("whole", [page("Not found", 404), page("no ffmpeg", 500), Answer(b"")])
async def test_a_stream_that_is_not_offered_whole_is_joined(whole: Answer, tmp_path: Path) -> None:
    """Gradio makes one file of a stream with ffmpeg; an app without it has the segments all the same."""
    with web(streaming(whole)) as app:
        url = f"{app.url}/gradio_api/stream/s/1/2/playlist.m3u8?__sign=x"
        file = await fetched(app, tmp_path, path="s", url=url, is_stream=True)

    assert file.path.read_bytes() == b"first,second,third"


async def test_a_stream_is_fetched_whole_where_the_app_makes_one_file_of_it(tmp_path: Path) -> None:
    """The one file has a length and can be wound; joined segments cannot."""
    with web(streaming(Answer(b"all of it"))) as app:
        url = f"{app.url}/gradio_api/stream/s/1/2/playlist.m3u8?__sign=x"
        file = await fetched(app, tmp_path, path="s", url=url, is_stream=True)

    assert file.path.read_bytes() == b"all of it"
    assert [(one.path.rpartition("/")[2], one.query) for one in app.asked] == [("playlist-file", "__sign=x")]


async def test_a_file_at_a_host_that_is_not_there_is_told_with_that_host(tmp_path: Path) -> None:
    """That the app is not running is wrong, and the same call would be paid again."""
    nowhere = f"127.0.0.1:{free_port()}"
    with web(lambda _: page("app")) as app, pytest.raises(FileUnavailable, match=nowhere) as failed:
        await fetched(app, tmp_path, path=f"http://{nowhere}/a.png")

    assert "no connection" in failed.value.message
    assert failed.value.code == "file-unavailable"


async def test_a_file_that_another_host_refuses_is_told_with_that_host(tmp_path: Path) -> None:
    """The words are that host's, and so is the status."""
    with (
        web(lambda _: page("Expired", 403)) as other,
        web(lambda _: page("app")) as app,
        pytest.raises(FileUnavailable, match=f"{other.url.removeprefix('http://')} cannot be had: HTTP 403"),
    ):
        await fetched(app, tmp_path, path=f"{other.url}/a.png")

    assert len(other.asked) == 1


async def test_a_file_that_the_app_leads_to_another_host_for_is_told_with_that_host(tmp_path: Path) -> None:
    """Apps keep large files in buckets, and redirect to them."""
    with web(lambda _: page("Gone", 410)) as other:
        there = Answer(status=302, headers={"location": f"{other.url}/a.png"})
        with web(lambda _: there) as app, pytest.raises(FileUnavailable, match=r"HTTP 410"):
            await fetched(app, tmp_path, path="/made/a.png")


async def test_a_connection_to_another_host_that_breaks_is_tried_again(tmp_path: Path) -> None:
    """The answer is there and paid; one broken connection must not lose it."""
    answers = iter([Answer(b"half", cut=True), Answer(b"whole")])
    with web(lambda _: next(answers)) as other, web(lambda _: page("app")) as app:
        file = await fetched(app, tmp_path, path=f"{other.url}/a.png")

    assert file.path.read_bytes() == b"whole"


async def test_a_file_that_the_app_itself_refuses_is_its_own_bad_output(tmp_path: Path) -> None:
    """What an app names and does not hand out is the app's own mistake."""
    with web(lambda _: page("no", 403)) as app, pytest.raises(BadOutput, match="does not hand out"):
        await fetched(app, tmp_path, path="/made/a.png")
