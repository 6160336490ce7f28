"""Chains by URL: a file on the Hub, or on any host that speaks https. Data, fetched without any credential.

What is fetched is kept in the home folder, so that it can be read before it is trusted and stays what it was
while it runs. It has no files beside it.
"""

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

from chains.loader import loads
from chains.model import Chain
from pipelines.artifacts import StorageFailed
from pipelines.household.fetch import FetchFailed, fetched_text
from pipelines.household.home import Home, find_home
from pipelines.household.templates import home_library
from pipelines.household.trust import NotTrusted
from pipelines.places.places import local_endpoints
from spaces_registry.disk import make_private
from spaces_registry.errors import ToolkitError
from spaces_registry.network.bounds import Bounds
from spaces_registry.network.reach import Network, nearest_network

_HUB = "https://huggingface.co"
_NAME = "recipe.yaml"


class NotTrustedRecipe(NotTrusted):
    """A chain came by URL, and the user has not said that it may run."""

    def __init__(self, url: str) -> None:
        ToolkitError.__init__(
            self,
            f"the recipe at {url} comes from the web and is not trusted as it stands",
            hint=f"look at it with: spacechain plan {url}; then allow it with: spacechain trust {url}",
        )
        self.file = Path(_NAME)


def recipe_sha256(text: str) -> str:
    """What trust is given to: the recipe's own text."""
    return hashlib.sha256(text.encode()).hexdigest()


def load_url(url: str, home: Home | None = None) -> Chain:
    """The chain at a URL.

    Raises:
        FetchFailed: it is no URL that is asked, cannot be fetched, or is too large.
        InvalidChain: it is no chain of this version.
        StorageFailed: the home folder cannot be written.
    """
    home = home or find_home()
    asked = _file_url(url)
    content = fetched_text(asked, Bounds().chain_bytes)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise FetchFailed(
            f"{url} is no text in UTF-8", hint="name the file itself, not a page about it"
        ) from cause
    if text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        raise FetchFailed(
            f"{url} is a web page, not a chain", hint="name the file itself: …/resolve/main/film.yaml"
        )
    folder = home.folder / "recipes" / recipe_sha256(text)[:32]
    _keep(folder, text, home)
    return loads(text, file=url, folder=folder, known=local_endpoints, library=home_library(home))


def _file_url(url: str) -> str:
    """The address of the file itself: of a page about a file on the Hub, the file."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as cause:
        raise FetchFailed(
            f"{url[:200]} is no address", hint="a URL begins with https:// and a host"
        ) from cause
    if parts.username or parts.password:
        raise FetchFailed(
            "the URL of a recipe has a user or a password in it", hint="recipes are fetched without"
        )
    is_here = nearest_network(parts.hostname or "") is Network.MACHINE
    if parts.scheme.lower() != "https" and not is_here:
        raise FetchFailed(f"{url} is not asked: only https is", hint="a recipe could be changed on its way")
    hub = urlsplit(os.environ.get("HF_ENDPOINT") or _HUB)
    if parts.netloc == hub.netloc and "/blob/" in parts.path:
        return parts._replace(path=parts.path.replace("/blob/", "/resolve/", 1)).geturl()
    return url


def _keep(folder: Path, text: str, home: Home) -> None:
    """Keep the recipe where its user can read it."""
    path = folder / _NAME
    if path.is_file():
        return
    aside = folder / f".{_NAME}.{os.getpid()}"
    try:
        home.make()
        make_private(folder)
        with os.fdopen(
            os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
        aside.replace(path)
    except OSError as cause:
        raise StorageFailed(folder, cause) from cause
