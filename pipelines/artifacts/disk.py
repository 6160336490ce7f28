"""Bytes on the disk, so that they survive a power cut and never lie half-written under their name."""

import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spaces_registry.disk import what_to_do
from spaces_registry.errors import ToolkitError

READ_ONLY = 0o444
PART = ".part"  # how the names of half-written files end
_CHUNK_BYTES = 1024 * 1024
_BROKEN = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})


class StorageFailed(ToolkitError):
    """The disk did not take or give the bytes: full, read-only, not permitted, gone."""

    code = "storage-failed"

    def __init__(self, path: Path, cause: OSError) -> None:
        why = cause.strerror or type(cause).__name__
        super().__init__(f"cannot store in {path}: {why}", hint=what_to_do(cause.errno))
        self.path = path


def take(source: Path, target: Path, *, consume: bool) -> tuple[int, str]:
    """Move or copy the bytes to `target`, flushed to the disk; returns how many, and their SHA-256."""
    facts = source.lstat()
    if consume and stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1:
        is_moved = False
        with suppress(OSError):  # another disk, or a folder that is not ours: the bytes are copied instead
            source.replace(target)
            is_moved = True
        if is_moved:
            return facts.st_size, sha256_of(target, flush=True)
    digest, size_bytes = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
            size_bytes += len(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    if consume:
        with suppress(OSError):
            source.unlink()
    return size_bytes, digest.hexdigest()


def sha256_of(path: Path, *, flush: bool = False) -> str:
    """The SHA-256 of a file, in hex; with `flush`, its bytes are on the disk before this returns."""
    with path.open("rb") as reader:
        if flush:
            os.fsync(reader.fileno())
        return hashlib.file_digest(reader, "sha256").hexdigest()


def flush_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut, where the system can flush a folder at all.

    Raises:
        OSError: the disk is broken or full; going on would promise what it does not hold.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as cause:
        if cause.errno in _BROKEN:
            raise


def replace_file(path: Path, content: bytes) -> None:
    """Give a file other content; nobody ever sees half of it, also after a power cut."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    flush_folder(path.parent)


def link_or_copy(source: Path, target: Path) -> bool:
    """Put `source` at `target`; False if that name is taken."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as cause:
        if cause.errno in {errno.ENOENT, errno.ENOSPC, errno.EROFS}:
            raise
        return _copy(source, target)  # another disk, too many links, or a file system without them
    return True


def _copy(source: Path, target: Path) -> bool:
    """Copy aside, then give it the name, unless somebody has it: nobody else's file is replaced."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=PART)
    os.close(handle)
    aside = Path(name)
    try:
        shutil.copyfile(source, aside)
        aside.chmod(READ_ONLY)
        return _name(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def _name(aside: Path, target: Path) -> bool:
    try:
        os.link(aside, target)
    except FileExistsError:
        return False
    except OSError as cause:
        if cause.errno in {errno.ENOSPC, errno.EROFS, errno.EIO}:
            raise
    else:
        return True
    try:  # a file system without links: an empty file claims the name for the moment of the rename
        target.open("xb").close()
    except FileExistsError:
        return False
    try:
        aside.replace(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn what the disk says no to into one error that names `path`."""
    try:
        yield
    except OSError as cause:
        raise StorageFailed(path, cause) from cause
