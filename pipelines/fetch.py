"""Fetches a file that the user names by URL. No credential goes with it."""

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from spaces_registry.errors import ToolkitError
from spaces_registry.signature import File

MAX_BYTES = 2 * 1024**3
_TIMEOUT_S = 30.0


class FetchFailed(ToolkitError):
    """A URL that the user gave does not yield a file."""

    code = "fetch-failed"


def fetch(url: str, folder: Path) -> File:
    """Download a URL into a folder.

    Raises:
        FetchFailed: it cannot be reached, answers with an error, or is larger than `MAX_BYTES`.
    """
    import httpx2  # noqa: PLC0415 - only a run with a URL among its inputs pays for it

    name = PurePosixPath(unquote(urlsplit(url).path)).name or "download"
    path = folder / "download"
    try:
        with (
            httpx2.stream("GET", url, timeout=_TIMEOUT_S, follow_redirects=True) as answer,
            path.open("wb") as file,
        ):
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                file.write(chunk)
                if file.tell() > MAX_BYTES:
                    raise FetchFailed(f"{url} is larger than {MAX_BYTES // 1024**3} GiB")
            mime = answer.headers.get("content-type")
    except httpx2.HTTPStatusError as cause:
        raise FetchFailed(f"{url} answers {cause.response.status_code}") from cause
    except (httpx2.HTTPError, httpx2.InvalidURL) as cause:
        raise FetchFailed(f"{url} cannot be fetched: {cause or type(cause).__name__}") from cause
    return File(path, name, mime, url)
