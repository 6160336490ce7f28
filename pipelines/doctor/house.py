"""The home folder: whether it can be written, has room, is closed to others, and is sound."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pipelines.artifacts import Store
from pipelines.doctor.finding import Finding
from pipelines.household.dotenv import BadDotenv, Dotenv, apply_file, dotenv_files
from pipelines.household.home import Home
from pipelines.journal import JournalFailed, open_journal

_LITTLE_BYTES = 2_000_000_000  # a film or two, with all that it is made of
_NOTHING_BYTES = 100_000_000
_LOOKED_AT = 25  # files of the store
_LARGE_BYTES = 50_000_000  # takes a while to read
_OTHERS = 0o077


def home_folder(home: Home) -> Iterator[Finding]:
    """Whether it can be written, by its owner alone, and how much room there is."""
    folder = home.folder
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        if not there.is_dir():
            raise NotADirectoryError(20, "it is no folder")
        with tempfile.NamedTemporaryFile(dir=there, prefix=".doctor-"):
            pass
    except OSError as cause:
        hint = "make it writable, or name another folder in SPACECHAIN_HOME"
        yield Finding("home", "fail", f"{folder} cannot be written: {cause.strerror or cause}", hint)
        return
    facts = {"folder": str(folder), "exists": folder.exists()}
    if folder.exists() and folder.stat().st_mode & _OTHERS:
        told = f"{folder} is open to others on this machine, with all that you made"
        yield Finding("home", "warn", told, f"close it: chmod 700 {folder}", facts=facts)
    else:
        new = "" if folder.exists() else ", which is made at the first run"
        yield Finding("home", "ok", f"{folder}{new}", facts=facts)
    yield _room(there)


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    told, facts = f"{free / 1e9:.1f} GB free", {"free_bytes": free}
    if free < _NOTHING_BYTES:
        return Finding(
            "disk", "fail", told, "free some space, or set SPACECHAIN_HOME to another disk", facts=facts
        )
    if free < _LITTLE_BYTES:
        hint = "videos need room; SPACECHAIN_HOME may name a folder on another disk"
        return Finding("disk", "warn", told, hint, facts=facts)
    return Finding("disk", "ok", told, facts=facts)


def journal(home: Home) -> Finding:
    """Whether the record of calls is sound."""
    if not home.journal.exists():
        return Finding("journal", "ok", "there is none yet; the first run makes it")
    try:
        with open_journal(home.journal) as opened:
            wrong = opened.health()
            if wrong is not None:
                damage = sqlite3.DatabaseError(f"it is damaged: {' '.join(wrong.split())}")
                raise JournalFailed(home.journal, damage)  # noqa: TRY301 - as one
            calls = opened.calls()
    except JournalFailed as failure:
        return Finding("journal", "fail", failure.message, failure.hint)
    size = home.journal.stat().st_size
    told = f"sound; {calls} calls, {size / 1e6:.1f} MB"
    return Finding("journal", "ok", told, facts={"calls": calls, "size_bytes": size})


def store(home: Home) -> Finding:
    """Whether files that were made are still what they were; looks at some of them."""
    try:
        kept = Store(home.store)
        looked = [*islice((one for one in kept.files() if one.stat().st_size < _LARGE_BYTES), _LOOKED_AT)]
        damaged = [one for one in looked if not kept.verify(one.name)]
    except OSError as cause:
        hint = "make it readable again, or name another folder in SPACECHAIN_HOME"
        return Finding("store", "fail", f"{home.store} cannot be read: {cause.strerror or cause}", hint)
    facts = {"looked_at": len(looked), "damaged": [str(one) for one in damaged]}
    if damaged:
        told = f"{damaged[0]} is not what it was when it was made ({len(damaged)} of {len(looked)} looked at)"
        hint = f"remove it: rm -f {damaged[0]}; or all that are damaged: spacechain doctor --repair"
        return Finding("store", "fail", told, f"{hint}; a run makes them again", facts=facts)
    told = f"sound; {len(looked)} files looked at" if looked else "nothing is kept yet"
    return Finding("store", "ok", told, facts=facts)


def dotenv(here: Path, home: Home) -> Iterator[Finding]:
    """Which names the `.env` files have, never what they are set to."""
    for path, is_own in dotenv_files(here, home):
        try:
            yield _dotenv(apply_file(path, {}, is_own=is_own), home)
        except BadDotenv as failure:
            yield Finding(".env", "fail", failure.message, failure.hint)


def _dotenv(found: Dotenv, home: Home) -> Finding:
    path, given, left_out = found.path, found.given, found.left_out
    facts = {"path": str(path), "names": list(given), "left_out": list(left_out)}
    told = f"{path} has {', '.join(given) or 'nothing'}"
    if path.stat().st_mode & _OTHERS:
        hint = f"close it: chmod 600 {path}"
        return Finding(".env", "warn", f"{told}, and others on this machine can read it", hint, facts=facts)
    if left_out:
        hint = f"of a folder's own .env only keys are taken; put the rest into {home.folder / '.env'}"
        return Finding(".env", "warn", f"{told}; {', '.join(left_out)} is not taken", hint, facts=facts)
    return Finding(".env", "ok", told, facts=facts)
