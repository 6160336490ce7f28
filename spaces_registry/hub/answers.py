"""The Hub's answers to questions that are asked over and over, kept for minutes: in memory, and on disk."""

import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from spaces_registry.cache import UnwritableCache, write_aside

Clock: TypeAlias = Callable[[], float]
_FORMAT = 1
_FRESH_S = 300.0


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers by their questions. A damaged entry is as good as none.

    Attributes:
        folder: where they outlive the process, or None; made when the first one is kept.
        fresh_s: how long an answer holds.
        now: seconds since the epoch.
    """

    folder: Path | None = None
    fresh_s: float = _FRESH_S
    now: Clock = time.time
    _memory: dict[str, tuple[float, Any]] = field(default_factory=dict)

    async def get(self, question: Sequence[Any], ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer that is kept, else the one that `ask` brings, which is kept from then on.

        Args:
            question: JSON that tells this question from every other; no secrets.
            ask: asks; what it raises is not kept.

        Raises:
            UnwritableCache: the folder cannot be written.
        """
        key = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        kept = self._memory.get(key) or self._read(key)
        if kept is not None and 0 <= self.now() - kept[0] <= self.fresh_s:
            return kept[1]
        answer = await ask()
        self._memory[key] = (self.now(), answer)
        self._write(key, answer)
        return answer

    def _path(self, key: str) -> Path | None:
        return None if self.folder is None else self.folder / "answers" / f"{key}.json"

    def _read(self, key: str) -> tuple[float, Any] | None:
        if (path := self._path(key)) is None:
            return None
        try:
            entry = json.loads(path.read_text("utf-8"))
            return (float(entry["at"]), entry["answer"]) if entry["format"] == _FORMAT else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _write(self, key: str, answer: Any) -> None:
        if (path := self._path(key)) is None:
            return
        try:
            for old in path.parent.glob("*.json") if path.parent.is_dir() else ():
                if self.now() - old.stat().st_mtime > self.fresh_s:
                    old.unlink(missing_ok=True)
            write_aside(path, json.dumps({"format": _FORMAT, "at": self.now(), "answer": answer}))
        except FileNotFoundError:  # another process swept at the same moment; the next answer is kept
            return
        except OSError as cause:
            raise UnwritableCache(path.parent, cause.strerror or str(cause)) from cause
