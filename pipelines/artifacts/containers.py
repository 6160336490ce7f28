"""What lies inside the containers that hold sound, pictures or both: just enough to tell which.

Every reader here takes bytes or an open file, trusts no length it finds, and reads a bounded amount.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

_MOOV_BYTES = 32 * 1024 * 1024  # a track table larger than this is not looked into
_MAX_BOXES = 4096
_OGG_STREAMS = 64
_HANDLER = re.compile(rb"hdlr.{8}(vide|soun)", re.DOTALL)
_SAMPLES = re.compile(rb"stsz.{8}(.{4})", re.DOTALL)  # a track's table of sample sizes, and how many it has
_CODEC = re.compile(rb"\x86[\x80-\xff](V_[A-Z]|A_[A-Z])")  # EBML CodecID, its size, its first letters

# MPEG audio, layer III: kbit/s by index, for version 1 and for versions 2 and 2.5 (ISO/IEC 11172-3, 13818-3)
_KBITS_V1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_V2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_HERTZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_ADTS_MIN_BYTES = 7


@dataclass(frozen=True, slots=True)
class Tracks:
    """Which tracks a container holds; both are False where its table could not be read."""

    picture: bool = False
    sound: bool = False

    @property
    def known(self) -> bool:
        """Whether any track was found at all."""
        return self.picture or self.sound


def mp4_tracks(stream: BinaryIO) -> Tracks:
    """The tracks of an MP4 or QuickTime file, from the handlers in its `moov` box, wherever that lies."""
    found = set(_HANDLER.findall(_moov(stream)))
    return Tracks(picture=b"vide" in found, sound=b"soun" in found)


def avif_moves(stream: BinaryIO) -> bool:
    """Whether an AVIF has, beside its still picture, a track of more than one frame."""
    return any(int.from_bytes(one, "big") > 1 for one in _SAMPLES.findall(_moov(stream)))


def _moov(stream: BinaryIO) -> bytes:
    """The box that describes the tracks of an ISO base media file; empty if it has none."""
    position = 0
    for _ in range(_MAX_BOXES):
        stream.seek(position)
        header = stream.read(16)
        if len(header) < 8:  # noqa: PLR2004 - a box header is a 32-bit size and a 4-letter name
            break
        size = int.from_bytes(header[:4], "big")
        if size == 1:  # a 64-bit size follows the name
            size = int.from_bytes(header[8:16], "big")
        if header[4:8] == b"moov":
            stream.seek(position)
            return stream.read(min(size, _MOOV_BYTES) if size else _MOOV_BYTES)
        if size < 8:  # noqa: PLR2004 - 0 means "to the end", less than a header is damage
            break
        position += size
    return b""


def matroska_tracks(head: bytes) -> Tracks:
    """The tracks of a WebM or Matroska file, from the codec names near its start."""
    found = set(_CODEC.findall(head))
    return Tracks(
        picture=any(one.startswith(b"V") for one in found), sound=any(one.startswith(b"A") for one in found)
    )


def ogg_first_packets(head: bytes) -> tuple[bytes, ...]:
    """How the streams of an Ogg file begin: their first pages all come before any other page (RFC 3533)."""
    packets: list[bytes] = []
    at = 0
    while (
        head[at : at + 4] == b"OggS"
        and len(head) > at + 27
        and head[at + 5] & 2
        and len(packets) < _OGG_STREAMS
    ):
        lengths = head[at + 27 : at + 27 + head[at + 26]]
        body = at + 27 + len(lengths)
        packets.append(head[body : body + 16])
        at = body + sum(lengths)
    return tuple(packets)


def gif_moves(stream: BinaryIO) -> bool:
    """Whether a GIF has a second frame."""
    stream.seek(6)
    screen = stream.read(7)
    if len(screen) == 7:  # noqa: PLR2004 - the logical screen descriptor
        stream.seek(_colour_table_bytes(screen[4]), 1)
    frames = 0
    for _ in range(_MAX_BOXES):
        match stream.read(1):
            case b"\x21":  # an extension: its label, then data
                stream.seek(1, 1)
            case b"\x2c":  # a frame: its place, its colours, the size of its codes, then data
                frames += 1
                place = stream.read(9)
                if frames > 1 or len(place) < 9:  # noqa: PLR2004 - four 16-bit numbers and flags
                    break
                stream.seek(_colour_table_bytes(place[8]) + 1, 1)
            case _:  # the trailer, the end, or damage
                break
        while size := stream.read(1):
            if size == b"\0":
                break
            stream.seek(size[0], 1)
    return frames > 1


def _colour_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def png_moves(stream: BinaryIO) -> bool:
    """Whether a PNG has a second frame: its control chunk, which stands before the pixels, counts them."""
    position = 8
    for _ in range(_MAX_BOXES):
        stream.seek(position)
        header = stream.read(12)
        if len(header) < 12 or header[4:8] in {b"IDAT", b"IEND"}:  # noqa: PLR2004 - size, name, first number
            break
        if header[4:8] == b"acTL":
            return int.from_bytes(header[8:12], "big") > 1
        position += 12 + int.from_bytes(header[:4], "big")
    return False


def webp_moves(stream: BinaryIO) -> bool:
    """Whether a WebP has a second frame."""
    position, frames = 12, 0
    for _ in range(_MAX_BOXES):
        stream.seek(position)
        header = stream.read(8)
        frames += header[:4] == b"ANMF"
        if frames > 1 or len(header) < 8:  # noqa: PLR2004 - name and size of a chunk
            break
        size = int.from_bytes(header[4:], "little")
        position += 8 + size + size % 2
    return frames > 1


def after_id3(head: bytes) -> bytes:
    """`head` without a leading ID3v2 tag; empty if the tag is longer than what was read."""
    if not head.startswith(b"ID3") or len(head) < 10:  # noqa: PLR2004 - the tag's own header
        return head
    size = 0
    for byte in head[6:10]:  # 7 bits each
        size = size << 7 | byte & 0x7F
    return head[10 + size :]


def is_mp3(head: bytes) -> bool:
    """Whether MPEG layer III frames start here: a valid header, and another one right behind its frame."""
    length = _mp3_frame_bytes(head)
    if not length:
        return False
    return len(head) < length + 4 or _mp3_frame_bytes(head[length:]) > 0


def is_adts(head: bytes) -> bool:
    """Whether AAC in ADTS frames starts here: a valid header, and another one right behind its frame."""
    length = _adts_frame_bytes(head)
    if not length:
        return False
    return len(head) < length + _ADTS_MIN_BYTES or _adts_frame_bytes(head[length:]) > 0


def _mp3_frame_bytes(head: bytes) -> int:
    """Length of the layer III frame whose header stands first, or 0 if none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # noqa: PLR2004 - sync word, layer III
        return 0
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version not in _HERTZ or bitrate in {0, 15} or rate == 3:  # noqa: PLR2004 - reserved values
        return 0
    table, samples = (_KBITS_V1, 144) if version == 3 else (_KBITS_V2, 72)  # noqa: PLR2004 - MPEG 1
    return samples * table[bitrate] * 1000 // _HERTZ[version][rate] + (head[2] >> 1 & 1)


def _adts_frame_bytes(head: bytes) -> int:
    """Length of the ADTS frame whose header stands first, or 0 if none does."""
    if len(head) < _ADTS_MIN_BYTES or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:  # noqa: PLR2004 - sync word
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    rate_index = head[2] >> 2 & 15
    return length if length > _ADTS_MIN_BYTES and rate_index <= 12 else 0  # noqa: PLR2004 - 13 rates exist
