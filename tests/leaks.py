"""Tokens and keys that a test hands in, made so that they are found again wherever they leak to.

A secret carries the session's marker, which nothing else contains. After every test, what it printed and
logged, the exception it ended with and every file below its folders are searched for the marker: as it is
(which is how URLs have it too, since none of its letters changes there), in hex, in UTF-16, and in base64 at
each of its three alignments. What is found fails the test.
"""

import base64
import hashlib
import mmap
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest


def _marker() -> str:
    """Random, and the same in every process of one session: a secret may be part of a test's name."""
    seed = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(16)
    return f"Q7{hashlib.sha256(seed.encode()).hexdigest()[:18]}Zx"


def _alignments(marker: str) -> tuple[bytes, ...]:
    """What base64 makes of the marker wherever it begins, without the characters its neighbours share."""
    found = []
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + marker.encode()).decode().rstrip("=")
        found.append(text[(shift * 8 + 5) // 6 : len(text) - 1].encode())
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Leak:
    """One place where a secret was found."""

    where: str
    how: str

    def __str__(self) -> str:
        return f"a secret is in {self.where} ({self.how})"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one test session.

    Attributes:
        marker: what each of them contains; letters and digits alone, so no encoding of URLs changes it.
    """

    marker: str = field(default_factory=_marker)

    def make(self, name: str, prefix: str = "hf_") -> str:
        """A secret of that name, the same each time; its value is never to be seen again."""
        return f"{prefix}{name.replace(' ', '')}{self.marker}"

    @property
    def signs(self) -> tuple[tuple[str, bytes], ...]:
        """What to look for: how it is written, and the bytes."""
        return (
            ("as it is", self.marker.encode()),
            ("in hex", self.marker.encode().hex().encode()),
            ("in UTF-16", self.marker.encode("utf-16-le")),
            *(("in base64", one) for one in _alignments(self.marker)),
        )

    def in_text(self, where: str, text: str) -> Iterator[Leak]:
        """Where a text has a secret."""
        yield from self._in_bytes(where, text.encode("utf-8", "replace"))

    def in_files(self, folders: Iterable[Path], own: Iterable[Path] = ()) -> Iterator[Leak]:
        """Which files below some folders have a secret, SQLite's among them, read as bytes.

        Args:
            folders: searched with all that is below them; links are not followed.
            own: files, or folders of them, that the test itself wrote secrets into.
        """
        passed = {one.resolve() for one in own}
        for folder in folders:
            for parent, _, names in os.walk(folder):
                for name in names:
                    path = Path(parent, name)
                    if path.is_symlink() or not path.is_file():
                        continue
                    if not passed or not passed & {path.resolve(), *path.resolve().parents}:
                        yield from self._in_file(path)

    def _in_file(self, path: Path) -> Iterator[Leak]:
        yield from self._in_bytes(f"the name of {path.parent}", path.name.encode("utf-8", "surrogateescape"))
        try:
            size = path.stat().st_size
            if size == 0:
                return
            with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
                yield from self._in_bytes(str(path), data)
        except (OSError, ValueError):
            return  # gone meanwhile, or not to be read: then nobody else reads it either

    def _in_bytes(self, where: str, data: bytes | mmap.mmap) -> Iterator[Leak]:
        for how, sign in self.signs:
            if data.find(sign) >= 0:
                yield Leak(where, how)


SECRETS = Secrets()
_OWN = pytest.StashKey[list[Path]]()


@dataclass(frozen=True, slots=True)
class SecretMaker:
    """Makes a test's secrets: `secret("token")`.

    Attributes:
        own: files that the test itself writes secrets into.
    """

    own: list[Path]

    def __call__(self, name: str, prefix: str = "hf_") -> str:
        """A secret of that name."""
        return SECRETS.make(name, prefix)

    def wrote(self, path: Path) -> Path:
        """Declare a file, or a folder, as one that the test itself writes secrets into, such as a `.env`."""
        self.own.append(path)
        return path


@pytest.fixture
def secret(request) -> SecretMaker:
    """Makes secrets that must never be seen again."""
    return SecretMaker(request.node.stash.setdefault(_OWN, []))


def assert_no_secret(where: str, text: str) -> None:
    """Fail if a text that only the test has seen, such as what a command printed, has a secret in it."""
    leaks = [*SECRETS.in_text(where, text)]
    assert not leaks, "; ".join(map(str, leaks))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Search what a test printed, logged and raised, and at its end every file below its folders."""
    report = yield
    texts = [("the exception", report.longreprtext)] if call.excinfo else []
    texts += [(name, text) for name, text in report.sections if report.when in name]
    leaks = [leak for where, text in texts for leak in SECRETS.in_text(where, text)]
    if report.when == "teardown":
        leaks += SECRETS.in_files(_folders(item), item.stash.get(_OWN, []))
    if leaks:
        told = "\n".join(map(str, leaks))
        report.sections.append(("Secrets", told))
        if report.outcome != "failed":
            report.outcome, report.longrepr = "failed", told
    return report


def _folders(item: pytest.Item) -> list[Path]:
    """The folders of a test's own, that it was given as `tmp_path` and `home`."""
    given = getattr(item, "funcargs", None) or {}
    folders = [given["tmp_path"]] if "tmp_path" in given else []
    return [*folders, given["home"].parent] if "home" in given else folders
