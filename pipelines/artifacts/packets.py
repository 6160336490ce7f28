"""When the packets of a track begin and end, read from what ffmpeg says while it is saying it.

A track may claim any number of packets at any time. So they are not gathered as text: eight bytes are kept
of each, and more than a day's worth is refused.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.artifacts.measures import Unmeasurable
from pipelines.programs.ffmpeg import last_words
from spaces_registry.network.bounds import find_bounds

_PACKET = re.compile(rb"^0, *-?\d{1,20}, *(-?\d{1,20}), *(\d{1,20}),", re.MULTILINE)
_TICK = re.compile(rb"^#tb 0: (\d{1,10})/(\d{1,10})", re.MULTILINE)
_CUT_OFF = re.compile(r"partial file|File ended prematurely", re.IGNORECASE)
_NOTHING = re.compile("nothing was encoded", re.IGNORECASE)
_LINE = 10_000  # bytes; its own lines are far shorter
_WORDS = 100_000  # bytes of complaints


@dataclass(frozen=True, slots=True)
class Packets:
    """The packets of one track, in seconds.

    Attributes:
        starts: when each begins, in order.
        end: when the last one ends.
    """

    starts: Sequence[float]
    end: float


class PacketReader:
    """Takes in what ffmpeg says of the packets of a track, piece by piece.

    Args:
        path: the file, for the error.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._most = path, find_bounds().packets
        self._starts, self._end, self._tick = array("d"), 0.0, 0.0
        self._rest, self._words = b"", b""

    def hear(self, chunk: bytes) -> None:
        """Take in a piece of standard output.

        Raises:
            Unmeasurable: there are more packets than a medium of a day has.
        """
        text, line, self._rest = (self._rest + chunk).rpartition(b"\n")
        self._rest = self._rest[-_LINE:]
        self._read(text + line)

    def complain(self, chunk: bytes) -> None:
        """Take in a piece of standard error; of many the last are kept."""
        self._words = (self._words + chunk)[-_WORDS:]

    def packets(self) -> Packets:
        """What was read, when all was said.

        Raises:
            Unmeasurable: there is no packet, or the file ends too early, or lasts longer than is taken.
        """
        self._read(self._rest)
        words = self._words.decode("utf-8", "replace")
        if cut := _CUT_OFF.search(words):  # half a film would pass for a whole one
            raise Unmeasurable(self._path, f"the file is cut off ({cut.group()})")
        if not self._starts:
            said = last_words(words, {self._path: self._path.name})
            if not said or _NOTHING.search(said):  # what an index claims may be more than is read, too
                said = "nothing can be read of what its header claims"
            raise Unmeasurable(self._path, said)
        most = find_bounds().medium_s
        if not self._end <= most:
            raise Unmeasurable(
                self._path, f"it claims to last {self._end:,.0f} s, and at most {most:,.0f} s are worked on"
            )
        return Packets(array("d", sorted(self._starts)), self._end)

    def _read(self, text: bytes) -> None:
        if not self._tick:
            if not (base := _TICK.search(text)):
                return
            self._tick = int(base[1]) / max(1, int(base[2]))
        for start, length in _PACKET.findall(text):
            begins = int(start)
            self._starts.append(begins * self._tick)
            self._end = max(self._end, (begins + int(length)) * self._tick)
        if len(self._starts) > self._most:
            raise Unmeasurable(self._path, f"a track of it has more than {self._most:,} packets")
