"""Fetches what a URL names: a file that the user hands in, or a recipe. No credential goes with it."""

from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from anyio.from_thread import start_blocking_portal

from spaces_registry.errors import ToolkitError
from spaces_registry.network.bounds import find_bounds
from spaces_registry.signature import File

_CONNECT_S = 30.0
_QUIET_S = 60.0
_NOWHERE = "https://a-recipe.invalid"  # who names a URL in a recipe lives nowhere, so on no network of ours


class FetchFailed(ToolkitError):
    """A URL does not yield a file."""

    code = "fetch-failed"


def fetch(url: str, folder: Path, *, by_chain: bool = False) -> File:
    """Download a URL into a folder.

    Args:
        url: http or https; a user and password in it are sent and kept nowhere else.
        folder: takes the file.
        by_chain: whether a chain names it, not the user: then not on this machine or its networks.

    Raises:
        FetchFailed: it cannot be reached, answers with an error, is too large or does not end.
    """
    path = folder / "download"
    _parts(without_user(url))
    mime = _taken(url, path, find_bounds().download_bytes, by_chain=by_chain)
    shown = without_user(url)
    name = PurePosixPath(unquote(urlsplit(shown).path)).name or "download"
    return File(path, name, mime, shown)


def fetched_text(url: str, most_bytes: int) -> bytes:
    """The bytes at a URL, which are few; no redirect leads from https to http, or to http elsewhere.

    Raises:
        FetchFailed: as `fetch`.
    """
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - seldom needed

    with TemporaryDirectory() as folder:
        path = Path(folder) / "text"
        _taken(url, path, most_bytes, is_guarded=True)
        return path.read_bytes()


def without_user(url: str) -> str:
    """The URL as it may be shown and kept: without a user and password."""
    try:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        return url.partition("@")[2] or url


def _taken(
    url: str, path: Path, most_bytes: int, *, by_chain: bool = False, is_guarded: bool = False
) -> str | None:
    """Write what a URL yields to a path; its media type.

    Args:
        url: what is fetched.
        path: where it goes.
        most_bytes: of it.
        by_chain: as in `fetch`.
        is_guarded: whether redirects may lead to https alone, and to http within this machine.
    """
    with start_blocking_portal() as portal:  # the caller may be in a loop of its own
        return portal.call(_download, url, path, most_bytes, by_chain, is_guarded)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.hostname and (parts.port or 1) > 0:
            return parts
    except ValueError:
        pass
    raise FetchFailed(f"{url[:200]} is no address", hint="a URL begins with https:// and a host")


async def _download(
    url: str,
    path: Path,
    most_bytes: int,
    by_chain: bool,  # noqa: FBT001 - positional through the portal
    is_guarded: bool,  # noqa: FBT001
) -> str | None:
    from spaces_registry.apps.fetching import CannotWrite  # noqa: PLC0415
    from spaces_registry.errors import CallFailed  # noqa: PLC0415
    from spaces_registry.network.intake import Rule  # noqa: PLC0415
    from spaces_registry.network.origin import Origin, open_client, patience  # noqa: PLC0415 - heavy

    shown = without_user(url)
    parts = _parts(shown)
    root = _NOWHERE if by_chain else f"{parts.scheme}://{parts.netloc}"
    try:
        async with open_client() as client:
            origin = Origin(shown[:200], root, client, keeps_https=is_guarded)
            asking = origin.stream(
                "GET", url, limits=patience(_CONNECT_S, _QUIET_S), rule=Rule(most_bytes, is_file=True)
            )
            async with asking as answer, origin.bordered():
                if not answer.is_success:
                    raise FetchFailed(f"{shown[:200]} answers {answer.status_code}")
                try:
                    with path.open("wb") as file:
                        async for chunk in answer.aiter_bytes():
                            file.write(chunk)
                except OSError as cause:
                    raise CannotWrite(path, cause) from cause
                return answer.headers.get("content-type")
    except CallFailed as cause:
        hint = (
            "hand it in with -i if it is meant" if by_chain and "private network" in cause.message else None
        )
        why = cause.message.removeprefix(f"{shown[:200]}: ")
        raise FetchFailed(f"{shown[:200]} cannot be fetched: {why}", hint=hint) from cause
