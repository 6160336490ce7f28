"""The content-addressed store: what a call made is kept under the SHA-256 of its bytes before it is used.

    store/ab/cd/abcd…   read-only, without an extension; written aside, flushed, then renamed into place
    store/incoming/…    half-written files; what a process that dies leaves here is swept by the next run

Many threads and processes may keep at once: the same bytes have the same name, so whoever comes last changes
nothing.
"""

import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.artifacts.disk import (
    READ_ONLY,
    StorageFailed,
    flush_folder,
    link_or_copy,
    sha256_of,
    storage,
    take,
)
from pipelines.artifacts.filetypes import FileType, filetype_of, first_words
from pipelines.artifacts.incoming import aside, door, sweep_incoming
from pipelines.artifacts.names import safe_name
from spaces_registry.errors import BadOutput, ToolkitError
from spaces_registry.sayable import is_of_numbers
from spaces_registry.signature import File, Json, Kind

__all__ = ["Artifact", "StorageFailed", "Store", "WrongKind", "publish"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FACTS = ("path", "name", "mime", "size_bytes", "sha256", "url", "caption")


class WrongKind(BadOutput):
    """The bytes are not of the kind that was promised.

    Args:
        place: what was called, or the file's name where only the file is known.
        name: the file's name.
        promised: the kind that the signature promises.
        found: what the bytes are.
        said: how the file begins, if it is a text: an error page explains itself.
    """

    def __init__(self, place: str, name: str, promised: Kind, found: str, *, said: str | None = None) -> None:
        super().__init__(
            place,
            f"{name!r} should be {_A[promised]}, but it is {found}",
            said=said,
            hint="the place answered with something else than it promises; try again, or another place",
        )
        self.name, self.promised, self.found = name, promised, found


class FileChanged(ToolkitError):
    """A stored file was changed after it was kept."""

    code = "file-changed"

    def __init__(self, artifact: "Artifact") -> None:
        super().__init__(
            f"the stored file {artifact.path} ({artifact.name}) was changed since it was made",
            hint="spacechain doctor --repair removes it; spacechain resume makes it again",
        )
        self.artifact = artifact


_A: Mapping[Kind, str] = {
    kind: f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" for kind in Kind if kind != Kind.MODEL3D
} | {Kind.MODEL3D: "a 3D model", Kind.GALLERY: "an image or a video"}


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file that a call made, kept.

    Attributes:
        kind: what it was promised as; for a `gallery` or `any`, what its bytes are.
        sha256: of its bytes, in hex; its name in the store.
        size_bytes: how many bytes.
        mime: media type, by the bytes.
        name: what its maker called it, made safe, with the extension its bytes call for; for showing.
        path: where it lies in the store; read-only.
        url: where it came from, if from the network.
        caption: the text a gallery shows beside it.
        extra: what came beside it, by name; see `File`. Its files are artifacts.
    """

    kind: Kind
    sha256: str
    size_bytes: int
    mime: str
    name: str
    path: Path
    url: str | None = None
    caption: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict, compare=False)

    def parts(self) -> tuple[str, ...]:
        """The names that `part` answers to."""
        match self.mime.partition("/")[0]:
            case "image" if self.kind != Kind.VIDEO:
                measures: tuple[str, ...] = ("width", "height")
            case "audio":
                measures = ("seconds",)
            case "image" | "video":
                measures = ("width", "height", "seconds")
            case _:
                measures = ()
        return (*_FACTS, *measures, *self.extra)

    def part(self, name: str) -> object:
        """One fact about the file; `width`, `height` (pixels) and `seconds` are read from it when asked for.

        Raises:
            KeyError: files of this type have no such part.
            MediaNotInstalled: measuring needs the extra `media`.
            Unmeasurable: the bytes are damaged.
        """
        if name not in self.parts():
            raise KeyError(name)
        if name in self.extra:
            return self.extra[name]
        if name in _FACTS:
            return getattr(self, name)
        from pipelines.artifacts.probe import measure  # noqa: PLC0415 - only what measures needs Pillow and ffmpeg

        return getattr(measure(self.path), name)

    def as_file(self) -> File:
        """The file to hand to a runner."""
        return File(self.path, self.name, self.mime, self.url, self.caption)

    def to_json(self) -> dict[str, Json]:
        """What the journal and `--json` say of it."""
        facts: dict[str, Json] = {
            "kind": self.kind.value,
            "path": str(self.path),
            "name": self.name,
            "mime": self.mime,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
        }
        return facts | {key: value for key in ("url", "caption") if (value := getattr(self, key)) is not None}

    @classmethod
    def from_json(cls, store: "Store", data: Mapping[str, Json]) -> "Artifact | None":
        """The artifact that `to_json` described, if the store still has its bytes unchanged; else None.

        All bytes are read: size and times prove nothing, since whoever changes a file can put them back. The
        path is taken from the store, never from `data`, so a record survives a moved store.
        """
        try:
            sha256, size_bytes = str(data["sha256"]), data["size_bytes"]
            kind, mime, name = Kind(str(data["kind"])), str(data["mime"]), str(data["name"])
        except (KeyError, ValueError):
            return None
        path = store.find(sha256)
        if path is None or not isinstance(size_bytes, int):
            return None
        if path.stat().st_size != size_bytes or not store.verify(sha256):
            return None
        url, caption = data.get("url"), data.get("caption")
        return cls(
            kind,
            sha256,
            size_bytes,
            mime,
            name,
            path,
            url if isinstance(url, str) else None,
            caption if isinstance(caption, str) else None,
        )


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of files named by the SHA-256 of their bytes; it is made when the first file is kept."""

    folder: Path

    def keep(self, file: File, kind: Kind, *, place: str | None = None, consume: bool = False) -> Artifact:
        """Take a file into the store; when this returns, its bytes are on the disk.

        Blocking; call it in a worker thread.

        Args:
            file: a regular file; it may be empty where `kind` promises nothing of its content.
            kind: what its maker promised; verified against the bytes.
            place: what made it, for the error's message.
            consume: whether the file lies in a scratch folder and may be moved rather than copied.

        Raises:
            WrongKind: the bytes are something else.
            BadOutput: there is no such file, it is no regular file, or it is empty and should be a medium.
            StorageFailed: the disk is full, read-only, or not ours to write.
        """
        _require_bytes(file, kind, place)
        with storage(self.folder), aside(self.folder) as scratch:
            size_bytes, sha256 = take(file.path, scratch, consume=consume)
            found = _verified(scratch, file, kind, place)
            path = self._path(sha256)
            self._settle(scratch, path)
        name = safe_name(Path(file.name).stem, found.extension)
        kind = found.kind if kind in {Kind.GALLERY, Kind.ANY} else kind
        return Artifact(kind, sha256, size_bytes, found.mime, name, path, file.url, file.caption)

    def find(self, sha256: str) -> Path | None:
        """Where a file of that name lies, or None; its bytes are not looked at."""
        if not _SHA256.fullmatch(sha256):
            return None
        path = self._path(sha256)
        try:
            return path if stat.S_ISREG(path.lstat().st_mode) else None
        except OSError:
            return None

    def get(self, sha256: str) -> Path | None:
        """Where the bytes of that hash lie, or None; they are read, and a changed file counts as gone."""
        return self.find(sha256) if self.verify(sha256) else None

    def verify(self, sha256: str) -> bool:
        """Whether the store has the bytes of that hash, unchanged; reads them all."""
        path = self.find(sha256)
        try:
            return path is not None and sha256_of(path) == sha256
        except OSError:
            return False

    def has_something(self, sha256: str) -> bool:
        """Whether there is a file of that name, be it whole or damaged."""
        return _SHA256.fullmatch(sha256) is not None and self._path(sha256).exists()

    def files(self) -> Iterator[Path]:
        """Every file that is kept, in no order."""
        return (one for one in self.folder.glob("[0-9a-f][0-9a-f]/??/*") if _SHA256.fullmatch(one.name))

    def remove(self, sha256: str, *, if_older_than: float) -> bool:
        """Remove a file that nobody kept, or kept again, since a moment; safe beside others who keep.

        Args:
            sha256: its name.
            if_older_than: in seconds since the epoch.

        Returns:
            Whether it is gone.
        """
        path = self._path(sha256)
        with storage(self.folder), door(self.folder, alone=True):
            try:
                if path.stat().st_ctime > if_older_than:
                    return False
                path.unlink()
            except FileNotFoundError:
                return True
        return True

    def sweep(self) -> int:
        """Remove what processes that died left half-written; returns how many files went."""
        return sweep_incoming(self.folder)

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def _settle(self, scratch: Path, path: Path) -> None:
        """Give the written bytes their name; bytes that are there and whole already stay as they are."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.chmod(READ_ONLY)
        with door(self.folder):
            if self.verify(path.name):
                path.chmod(READ_ONLY)  # it counts as kept now: nobody removes what is young
            else:
                scratch.replace(path)
        for folder in (path.parent, path.parent.parent, self.folder):
            flush_folder(folder)


def publish(artifact: Artifact, folder: Path, stem: str) -> Path:
    """Put an artifact where its user looks for it, under a name a person can read.

    The file is a hard link to the store's where the disk allows, else a copy. A link shares its bytes with
    the store, so it is read-only as the store's file is: an editor that writes a new file and renames it is
    harmless, and who makes it writable and edits it in place is found out when it is used next: whatever is
    published is read to its end and must be what its hash says. A file of the
    user's is never replaced: a name that is taken by other bytes becomes `stem-2.png`, `stem-3.png`, ….

    Args:
        artifact: what to publish.
        folder: made if it is missing.
        stem: what to call it, of any origin; made safe here. The extension comes from the bytes.

    Returns:
        Where it lies now; the earlier file if the same bytes are there already.

    Raises:
        StorageFailed: the folder cannot be written, or the store has lost the bytes.
        FileChanged: the stored file is not what it was.
    """
    extension = Path(artifact.name).suffix
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if sha256_of(artifact.path) != artifact.sha256:
            raise FileChanged(artifact)
        count = 1
        while True:
            target = folder / safe_name(stem, extension, count=count)
            if _holds(target, artifact) or link_or_copy(artifact.path, target):
                return target
            count += 1


def _require_bytes(file: File, kind: Kind, place: str | None) -> None:
    """Refuse what is no regular file, and an empty one where a medium is promised: that has bytes."""
    place = place or file.name
    try:
        found = file.path.stat()
    except (OSError, ValueError) as cause:
        raise BadOutput(place, f"the file {file.name!r} that it names is not there") from cause
    if not stat.S_ISREG(found.st_mode):
        raise BadOutput(place, f"{file.name!r} is not a regular file")
    if found.st_size == 0 and kind not in {Kind.FILE, Kind.ANY}:
        raise BadOutput(place, f"{file.name!r} is empty")


def _verified(path: Path, file: File, kind: Kind, place: str | None) -> FileType:
    found = filetype_of(path, file.name)
    if found.serves_as(kind):
        return found
    raise WrongKind(place or file.name, file.name, kind, found.says, said=first_words(path))


def _holds(target: Path, artifact: Artifact) -> bool:
    try:
        found = target.lstat()
    except FileNotFoundError:
        return False
    same_size = stat.S_ISREG(found.st_mode) and found.st_size == artifact.size_bytes
    return same_size and (target.samefile(artifact.path) or sha256_of(target) == artifact.sha256)


def artifacts_in(value: object) -> tuple[Artifact, ...]:
    """Every artifact in a value, in order; what came beside one follows it."""
    return tuple(every for one in tops(value) for every in (one, *artifacts_in(one.extra)))


def tops(value: object) -> tuple[Artifact, ...]:
    """Every artifact in a value, in order, without what only came beside another."""
    match value:
        case Artifact():
            return (value,)
        case Mapping():
            return tuple(one for inner in value.values() for one in tops(inner))
        case str():
            return ()
        case Sequence() if is_of_numbers(value):
            return ()
        case Sequence():
            return tuple(one for inner in value for one in tops(inner))
        case _:
            return ()
