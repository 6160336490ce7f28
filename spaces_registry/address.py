"""Where a Space is: an id on the Hub, a URL, or an alias of the catalog. Parsing only; nothing is asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from spaces_registry.errors import ToolkitError, nearest

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PAGE = re.compile(r"/spaces/(?P<id>[^/]+/[^/]+)(?:/.*)?")  # a Space's page on the Hub, as people copy it
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253}):\d{1,5}(/\S*)?")
_PUBLIC = re.compile(r"[A-Za-z0-9-]{1,63}\.(hf\.space|gradio\.live)(/\S*)?")
_LONGEST_ID = 96  # characters, as the Hub has it
GONE = "api-inference.huggingface.co"  # where models were asked until the router took its place


class BadAddress(ToolkitError):
    """The text is no Space id, no URL and no alias."""

    code = "bad-address"

    def __init__(self, text: str, why: str, hint: str | None = None) -> None:
        super().__init__(f"{text!r} is not an address of a Space: {why}", hint=hint)
        self.text = text


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A Space on the Hub, by its id `owner/name`."""

    id: str

    @property
    def shown(self) -> str:
        """How to write it."""
        return self.id


@dataclass(frozen=True, slots=True)
class UrlAddress:
    """An app anywhere, by the URL of its root, without a trailing slash."""

    url: str

    @property
    def shown(self) -> str:
        """How to write it."""
        return self.url


Address: TypeAlias = HubAddress | UrlAddress


def address_of(text: str, own: Mapping[str, Address] = {}) -> Address:
    """What an address means.

    Args:
        text: `owner/name`, `http://…` or `https://…` (sub-paths allowed), `127.0.0.1:7860` and
            `name.gradio.live` without their scheme, or an alias such as `flux`.
        own: the user's own aliases, lower case; they come before those of the catalog.

    Raises:
        BadAddress: it is none of these; the hint names the nearest alias.
    """
    text = text.strip()
    if "://" in text:
        return _of_url(text)
    if _HOST.fullmatch(text):
        return _of_url(f"http://{text}")
    if _PUBLIC.fullmatch(text):
        return _of_url(f"https://{text}")
    if "/" not in text:
        if (mine := own.get(text.lower())) is not None:
            return mine
        known = aliases()
        if (found := known.get(text.lower())) is not None:
            return HubAddress(found)
        hint = nearest(text, [*own, *known]) or "write owner/name or a URL"
        raise BadAddress(text, "no alias of that name", hint=hint)
    return _of_id(text, text)


def _of_id(text: str, repo: str) -> HubAddress:
    if _ID.fullmatch(repo) and len(repo) <= _LONGEST_ID and ".." not in repo and "--" not in repo:
        return HubAddress(repo)
    hint = "a Space id is owner/name, of letters, digits, '-', '_' and '.'"
    raise BadAddress(text, "neither a Space id nor a URL", hint=hint)


def _of_url(text: str) -> Address:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as cause:
        raise BadAddress(text, str(cause)) from cause
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise BadAddress(text, "only http and https URLs lead to a Space")
    if parts.username is not None:
        shown = text.replace(parts.netloc, parts.netloc.rpartition("@")[2])
        raise BadAddress(
            shown,
            "a URL must not hold a user name or a password",
            hint="put a `login` for it into your spaces.yaml",
        )
    if (hint := in_place_of(text)) is not None:
        raise BadAddress(text, f"{GONE} is no more", hint=hint)
    if parts.hostname in ("huggingface.co", "hf.co") and (page := _PAGE.fullmatch(parts.path)):
        return _of_id(text, page["id"])
    return UrlAddress(f"{parts.scheme.lower()}://{parts.netloc}{parts.path.rstrip('/')}")


def in_place_of(url: str) -> str | None:
    """What to write in place of an address under `GONE`; None for any other."""
    try:
        parts = urlsplit(url)
        if parts.hostname != GONE:
            return None
    except ValueError:
        return None
    model = "/".join(parts.path.strip("/").removeprefix("models/").split("/")[:2])
    what = f"`model: {model}`" if _ID.fullmatch(model) else "`model:` with its id, owner/name"
    return f"write {what}: it is asked through router.huggingface.co"


def aliases() -> Mapping[str, str]:
    """The catalog's short names: alias to Space id."""
    from spaces_registry.catalogue import well_known  # noqa: PLC0415 - only an address that is an alias needs it

    return {alias: one.id for one in well_known().values() for alias in one.aliases}
