"""Chains by URL: a file on the Hub, or on any host that speaks https. Data, fetched without any credential.

What is fetched is kept in the home folder, so that it can be read before it is trusted and stays what it was
while it runs. It has no files beside it. What is trusted is the text that was kept last, not what the host
gives the next time: it may show one text to who reads and another to who trusts.
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
_LENGTH = 32  # characters of a hash that name a folder


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
    text = _fetched(url)
    _keep(_folder(text, home) / _NAME, text, home)
    _keep(_last(url, home), recipe_sha256(text), home)
    return _loaded(url, text, home)


def load_kept(url: str, home: Home | None = None) -> Chain:
    """The chain at a URL as it was fetched last, by whatever command; fetched now if it never was.

    Raises:
        As `load_url`.
    """
    home = home or find_home()
    kept = _text_of(_last(url, home))
    text = None if kept is None else _text_of(home.folder / "recipes" / kept[:_LENGTH] / _NAME)
    if text is None or recipe_sha256(text) != kept:  # it never was, or somebody changed the file
        return load_url(url, home)
    return _loaded(url, text, home)


def _loaded(url: str, text: str, home: Home) -> Chain:
    folder = _folder(text, home)
    return loads(text, file=url, folder=folder, known=local_endpoints, library=home_library(home))


def _folder(text: str, home: Home) -> Path:
    return home.folder / "recipes" / recipe_sha256(text)[:_LENGTH]


def _last(url: str, home: Home) -> Path:
    """Where it is kept which text a URL gave last, by its hash."""
    return home.folder / "recipes" / "last" / hashlib.sha256(url.encode()).hexdigest()[:_LENGTH]


def _text_of(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, ValueError):
        return None


def _fetched(url: str) -> str:
    """The text at a URL, which is one of a chain as far as its first words tell."""
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
    return text


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


def _keep(path: Path, text: str, home: Home) -> None:
    """Keep a text where its user can read it; one that was changed there is put right."""
    if _text_of(path) == text:
        return
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        home.make()
        make_private(path.parent.parent)
        make_private(path.parent)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text.encode())
        aside.replace(path)
    except OSError as cause:
        raise StorageFailed(path.parent, cause) from cause
