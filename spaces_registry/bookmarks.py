"""The user's own short names for Spaces: a `spaces.yaml`, read with every mistake's file and line.

    draw: acme/drawing-board            # a Space of the Hub
    lab:                                # an app anywhere, with what its door wants to see
      space: https://lab.example/draw
      headers: {x-api-key: $LAB_KEY}    # the value of that environment variable
    club:                               # an app behind Gradio's own login
      space: http://127.0.0.1:7860
      login: $CLUB_LOGIN                # a variable that holds user:password

These values are in no message and no `repr`, and go to that Space's own host alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from spaces_registry.address import Address, BadAddress, address_of
from spaces_registry.errors import ToolkitError, nearest

NAME = "spaces.yaml"
_LARGEST = 256 * 1024  # bytes; a list of names is never longer
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VARIABLE = re.compile(r"\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie"})
_HUB_TOKENS = frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_TOKEN"})
_KEYS = ("space", "headers", "login")


class BadBookmarks(ToolkitError):
    """A file of own Spaces cannot be used as it stands."""

    code = "bad-bookmarks"

    def __init__(self, path: Path, line: int | None, what: str, hint: str | None = None) -> None:
        super().__init__(f"{path}:{line}: {what}" if line else f"{path}: {what}", hint=hint)
        self.path, self.line = path, line


@dataclass(frozen=True, slots=True)
class Bookmarks:
    """Own names for Spaces.

    Attributes:
        aliases: name, in lower case, to what it stands for.
        headers: by a place's address as it is shown: what its own host is sent with every request.
        logins: likewise, the user and password that its own host is sent first.
    """

    aliases: Mapping[str, Address] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    logins: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    def before(self, other: "Bookmarks") -> "Bookmarks":
        """Both together; where a name or a place is in both, these ones hold."""
        return Bookmarks(
            {**other.aliases, **self.aliases},
            {**other.headers, **self.headers},
            {**other.logins, **self.logins},
        )


def load_bookmarks(path: Path, environment: Mapping[str, str] | None) -> Bookmarks:
    """Read a `spaces.yaml`; one that does not exist is empty.

    Args:
        path: the file.
        environment: the variables that headers and logins may name; None for a file that may name none,
            because it came with a chain of who knows whom.

    Raises:
        BadBookmarks: file and line of the first mistake.
    """
    try:
        return _loaded(path, environment)
    except BadBookmarks as bad:
        if environment is not None or not path.is_symlink():
            raise
        line = bad.line
    # a stranger's folder may have a link to any file here, whose words are nobody's to see
    what = "there is a mistake here; it is a link to another file, so nothing of it is shown"
    raise BadBookmarks(path, line, what, f"see what {NAME} beside the chain leads to")


def _loaded(path: Path, environment: Mapping[str, str] | None) -> Bookmarks:
    try:
        if not path.is_file():
            return Bookmarks()
        if path.stat().st_size > _LARGEST:
            raise BadBookmarks(path, None, f"is larger than {_LARGEST // 1024} kB")
        text = path.read_text("utf-8")
        return _Reader(path, environment).read(yaml.compose(text, Loader=yaml.SafeLoader))
    except OSError as cause:
        raise BadBookmarks(path, None, f"cannot be read: {cause.strerror or cause}") from cause
    except UnicodeDecodeError as cause:
        raise BadBookmarks(path, None, "is not UTF-8 text") from cause
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        raise BadBookmarks(path, mark.line + 1 if mark else None, str(cause.problem or cause)) from cause
    except (yaml.YAMLError, RecursionError) as cause:
        raise BadBookmarks(path, None, f"is no YAML of ours: {' '.join(str(cause).split())}") from cause


def find_bookmarks(home: Path, beside: Path, environment: Mapping[str, str]) -> Bookmarks:
    """The user's own Spaces: the `spaces.yaml` beside a chain, then the one of the home folder.

    Only the one of the home folder may name environment variables: the other one may be a stranger's.

    Args:
        home: the user's spacechain folder.
        beside: the chain's folder.
        environment: the process's variables.

    Raises:
        BadBookmarks: file and line of the first mistake.
    """
    own = load_bookmarks(home / NAME, environment)
    if beside.absolute() == home.absolute():
        return own
    return load_bookmarks(beside / NAME, None).before(own)


@dataclass(slots=True)
class _Reader:
    path: Path
    environment: Mapping[str, str] | None

    def read(self, root: yaml.Node | None) -> Bookmarks:
        if root is None:
            return Bookmarks()
        aliases: dict[str, Address] = {}
        headers: dict[str, Mapping[str, str]] = {}
        logins: dict[str, tuple[str, str]] = {}
        for key, value in self._entries(root, "own Spaces are written as `name: owner/name`, a line each"):
            name = str(key.value)
            if not _ALIAS.fullmatch(name):
                raise self._bad(key, f"{name!r} is no short name", "use letters, digits, '-', '_' and '.'")
            if name.lower() in aliases:
                raise self._bad(key, f"{name!r} stands here twice")
            space, sent, login = self._entry(name, value)
            aliases[name.lower()] = space
            if sent:
                if headers.get(space.shown, sent) != sent:
                    raise self._bad(key, f"{space.shown} has other headers further up")
                headers[space.shown] = sent
            if login:
                if logins.get(space.shown, login) != login:
                    raise self._bad(key, f"{space.shown} has another login further up")
                logins[space.shown] = login
        return Bookmarks(aliases, headers, logins)

    def _entry(self, name: str, node: yaml.Node) -> tuple[Address, Mapping[str, str], tuple[str, str] | None]:
        if isinstance(node, yaml.ScalarNode):
            return self._address(node), {}, None
        form = f"`{name}` is an address, or a mapping of `space`, `headers` and `login`"
        parts: dict[str, Any] = {}
        for key, value in self._entries(node, form):
            if key.value not in _KEYS:
                raise self._bad(key, f"{name!r} has no key {key.value!r}", nearest(str(key.value), _KEYS))
            parts[key.value] = value
        if "space" not in parts:
            raise self._bad(node, f"{name!r} does not say which Space", "add `space: owner/name` or a URL")
        sent = dict(self._headers(parts["headers"])) if "headers" in parts else {}
        login = self._login(parts["login"]) if "login" in parts else None
        return self._address(parts["space"]), sent, login

    def _address(self, node: yaml.Node) -> Address:
        if not isinstance(node, yaml.ScalarNode):
            raise self._bad(node, "an address is owner/name or a URL")
        try:
            return address_of(str(node.value))
        except BadAddress as bad:
            raise self._bad(node, bad.message, bad.hint) from bad

    def _headers(self, node: yaml.Node) -> Iterator[tuple[str, str]]:
        for key, value in self._entries(node, "headers are written as `{name: $VARIABLE}`"):
            name = str(key.value).lower()
            if not _HEADER.fullmatch(name) or name in _OURS:
                raise self._bad(key, f"{name!r} is no header that can be set")
            secret = self._variable(value, repr(name))
            if not secret.isascii() or not secret.isprintable():
                raise self._bad(value, f"the value of {value.value[1:]} cannot be sent as a header")
            yield name, secret

    def _login(self, node: yaml.Node) -> tuple[str, str]:
        user, colon, password = self._variable(node, "`login`").partition(":")
        if not (user and colon and password):
            raise self._bad(node, f"the value of {node.value[1:]} is not of the form user:password")
        return user, password

    def _variable(self, node: yaml.Node, what_for: str) -> str:
        """The value of the variable that is named, as `$MY_KEY`."""
        found = _VARIABLE.fullmatch(str(node.value)) if isinstance(node, yaml.ScalarNode) else None
        if found is None:
            hint = "keep the secret in an environment variable and write its name: $MY_KEY"
            raise self._bad(node, f"the value of {what_for} must be the name of a variable", hint)
        name = found["name"]
        if self.environment is None:
            what = "a file beside a chain may not read environment variables"
            raise self._bad(node, what, "move this entry to the spaces.yaml of your own home folder")
        if name in _HUB_TOKENS:
            raise self._bad(node, f"${name} is for the Hub alone", "use a key of that place's own")
        value = self.environment.get(name)
        if not value:
            raise self._bad(node, f"the environment variable {name} is not set", f"export {name}=…")
        return value

    def _entries(self, node: yaml.Node, form: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """The keys and values of a mapping, each key once."""
        if not isinstance(node, yaml.MappingNode):
            raise self._bad(node, form)
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or not key.value:
                raise self._bad(key, form)
            if key.value in seen:
                raise self._bad(key, f"{key.value!r} stands here twice")
            seen.add(key.value)
            yield key, value

    def _bad(self, node: yaml.Node, what: str, hint: str | None = None) -> BadBookmarks:
        return BadBookmarks(self.path, node.start_mark.line + 1, what, hint)
