"""Is a sound file whole? What libsndfile does not tell of truncated and damaged ones.

Of a cut WAV, AIFF, AU or CAF file libsndfile reports as many frames as are left, of an Ogg
stream it leaves out damaged pages and chained streams, and of an MP3 file without
a count of frames it guesses how many there are. So the containers are walked here.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import BinaryIO, NamedTuple

import soundfile

_OGG_HEADER = struct.Struct("<4sBBqIIIB")
# Bits reversed: Ogg's checksum is that of zlib, read the other way round.
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

_MPEG_RATES = (44100, 48000, 32000)
# kbit/s by (MPEG-1, layer), without the free format at 0.
_MPEG_BITRATES = {
    (True, 1): tuple(range(32, 449, 32)),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN")
# An encoder's delay and padding, 12 bits each, are no part of the sound; and a decoder's.
_MPEG_PADDING = 2 * 4095 + 1152
# Frames that one packet of Vorbis holds, at most.
_VORBIS_BLOCK = 8192
_BLOCK = 2**16  # frames that are decoded at once
_NO_LENGTH = "its header announces no length: write it anew"
_NO_SOUND = "truncated: the sound itself is not there"
# Without a count of frames libsndfile gives about 2**63.
_NO_COUNT = 2**60
# Of a file changed so short ago, another change may bear the same time.
FRESH_NS = 2_000_000_000


class Found(NamedTuple):
    """What there is of a file's sound, and what is wrong with it, if anything."""

    n_frames: int
    fault: str | None


def examine(path: str | bytes) -> Found:
    """Count the frames of a file, and say why it is not whole.

    Parameters
    ----------
    path : str or bytes
        Of a regular file. What was found is kept for as long as its size and
        times of change stay.

    Returns
    -------
    found : Found
        The fault is such as "truncated: ..."; None where all that is announced is there.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    stat = os.stat(path)
    fresh = time.time_ns() - stat.st_ctime_ns < FRESH_NS
    find = _examine.__wrapped__ if fresh else _examine
    return find(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@lru_cache(maxsize=2**16)
def _examine(path: str | bytes, size: int, *identity: int) -> Found:
    if size == 0:
        return Found(0, "the file is empty")
    try:
        with soundfile.SoundFile(path) as sound:
            check = _CHECKS.get(sound.format)
            if check is None and sound.format != "MP3":
                return Found(
                    0,
                    f"its format is {sound.format}, of which nobody can tell whether it is whole: "
                    "convert it to WAV or FLAC",
                )
            n_frames = sound.frames
            with open(path, "rb") as file:
                if check is None:
                    n_frames, fault = _examine_mpeg(file, size, n_frames)
                else:
                    fault = check(file, size, n_frames)
            if fault is None and n_frames <= 0:
                return Found(0, "it holds no sound")
            return Found(n_frames, fault) if fault else _try_end(sound, n_frames)
    except soundfile.LibsndfileError as error:
        return Found(0, f"no sound file, or a corrupt one ({error.error_string.rstrip('.')})")


def _try_end(sound: soundfile.SoundFile, n_frames: int) -> Found:
    """Decode the last frames, or all of them where libsndfile cannot seek, as in GSM 6.10.

    Of an Ogg stream that was cut from a longer one, whose pages are all there, libsndfile
    may announce some more than the first block lets it decode.
    """
    if n_frames >= _NO_COUNT:
        return Found(0, _NO_LENGTH)
    n_last = min(n_frames, _VORBIS_BLOCK) if sound.format == "OGG" else 1
    try:
        if sound.seekable():
            sound.seek(n_frames - n_last)
        else:
            for start in range(0, n_frames - n_last, _BLOCK):
                sound.read(min(_BLOCK, n_frames - n_last - start))
        missing = n_last - len(sound.read(n_last))
    except soundfile.LibsndfileError:
        missing = n_last
    if missing == n_last:
        return Found(0, f"truncated: the last of its {n_frames} frames is not there")
    return Found(n_frames - missing, None)


def _chunk_fault(file: BinaryIO, size: int, n_frames: int) -> str | None:
    """Compare the bytes that a WAV or AIFF header announces with those of the file."""
    form = file.read(12)[:4]
    order = ">" if form in (b"FORM", b"RIFX") else "<"
    wanted = b"SSND" if form == b"FORM" else b"data"
    position, long_length = 12, None
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        if name == b"ds64":  # of RF64: the lengths that 32 bits cannot hold
            long_length = struct.unpack("<QQ", file.read(16))[1]
        if name == wanted:
            if long_length is not None and length == 0xFFFFFFFF:
                length = long_length
            return _length_fault(length, size - position - 8)
        position += 8 + length + length % 2
    return _NO_SOUND


def _length_fault(announced: int, held: int) -> str | None:
    """Compare the bytes of sound that a header announces with those of the file."""
    if announced > held:
        return f"truncated: its header announces {announced} bytes of sound, {held} are there"
    if announced == 0 < held:
        return "its header announces no sound: its recording was never completed"
    return None


def _au_fault(file: BinaryIO, size: int, n_frames: int) -> str | None:
    """Do the same for AU (Sun, NeXT), whose header is of one piece."""
    order = ">" if file.read(4) == b".snd" else "<"
    start, length = struct.unpack(f"{order}II", file.read(8))
    return _NO_LENGTH if length == 0xFFFFFFFF else _length_fault(length, size - start)


def _caf_fault(file: BinaryIO, size: int, n_frames: int) -> str | None:
    """Do the same for Apple's CAF, whose chunks have signed lengths of 64 bits."""
    position = 8
    while position + 12 <= size:
        file.seek(position)
        name, length = struct.unpack(">4sq", file.read(12))
        if name == b"data":
            return _length_fault(length, size - position - 12)
        position += 12 + max(0, length)
    return _NO_SOUND


def _w64_fault(file: BinaryIO, size: int, n_frames: int) -> str | None:
    """Do the same for Sony's W64, whose chunks have names of 16 bytes."""
    position = 40
    while position + 24 <= size:
        file.seek(position)
        name, length = struct.unpack("<4s12xQ", file.read(24))  # of itself as well
        if name == b"data":
            return _length_fault(length - 24, size - position - 24)
        position += max(24, -(-length // 8) * 8)
    return _NO_SOUND


def _ogg_fault(file: BinaryIO, size: int, n_frames: int) -> str | None:
    """Check each page of an Ogg stream, and that there is a last one."""
    position = number = flags = 0
    stream = None
    while position < size:
        file.seek(position)
        head = file.read(_OGG_HEADER.size)
        if len(head) < _OGG_HEADER.size or not head.startswith(b"OggS"):
            return (
                f"{'truncated' if size - position < 28 else 'corrupt'}: no page at byte {position}"
            )
        _, _, flags, _, serial, sequence, checksum, n_segments = _OGG_HEADER.unpack(head)
        lengths = file.read(n_segments)
        body = file.read(sum(lengths))
        if len(lengths) < n_segments or len(body) < sum(lengths):
            return f"truncated: it ends within the page at byte {position}"
        if checksum != _ogg_checksum(head[:22] + bytes(4) + head[26:] + lengths + body):
            return f"corrupt: the page at byte {position} does not match its checksum"
        if stream is None:
            stream = serial
        if serial != stream:
            return "it holds several streams, of which one would be read: write them as files"
        if sequence != number:
            return f"corrupt: page {number} is missing"
        position, number = file.tell(), number + 1
    return None if flags & 4 else "truncated: its last page is not there"


def _ogg_checksum(page: bytes) -> int:
    mirrored = zlib.crc32(page.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _examine_mpeg(file: BinaryIO, size: int, n_frames: int) -> Found:
    """Count the frames of an MP3 file, and compare with what would be read.

    Where its header counts none, what libsndfile announces is a guess by the mean rate, and
    may be more than there is.
    """
    position = _skip_tags(file)
    first, counted, n_blocks, per_block = None, False, 0, 0
    while position < size:
        file.seek(position)
        head = file.read(4)
        kind = struct.unpack(">I", head)[0] & 0xFFFE0C00 if len(head) == 4 else None
        block = _mpeg_block(head)
        if block is None or (first is not None and kind != first):
            if _ends_here(file, position):
                break
            return Found(n_frames, f"corrupt: no MPEG frame at byte {position}")
        length, per_block = block
        if position + length > size:
            late = f"truncated: it ends within the MPEG frame at byte {position}"
            return Found(n_frames, late)
        if first is None:
            first = kind
            names = file.read(min(length, 200) - 4)
            counted = any(name in names for name in (b"Xing", b"Info", b"VBRI"))
        position, n_blocks = position + length, n_blocks + 1
    held = (n_blocks - counted) * per_block
    fault: str | None = None
    if counted and n_frames > held:
        fault = f"truncated: {n_frames} frames are announced, {held} are there"
    if n_frames < held - _MPEG_PADDING:
        fault = (
            f"it holds {held} frames, of which {n_frames} would be read, as its header counts "
            "none or fewer: write it anew"
        )
    return Found(min(n_frames, held), fault)


def _skip_tags(file: BinaryIO) -> int:
    """Find the byte behind ID3 tags."""
    position = 0
    while True:
        file.seek(position)
        head = file.read(10)
        if not head.startswith(b"ID3") or len(head) < 10:
            break
        length = sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
        )
        position += 10 + length + 10 * bool(head[5] & 0x10)
    return position


def _ends_here(file: BinaryIO, position: int) -> bool:
    """Tell whether tags or zeros alone follow."""
    file.seek(position)
    if file.read(16).startswith(_MPEG_TAGS):
        return True
    file.seek(position)
    return all(not any(part) for part in iter(lambda: file.read(2**16), b""))


def _mpeg_block(head: bytes) -> tuple[int, int] | None:
    """Give the length of an MPEG frame in bytes and in instants; None for no such header."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)  # 3: MPEG-1, 2: MPEG-2, 0: 2.5
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    per_second = 1000 * _MPEG_BITRATES[version == 3, layer][bitrate - 1]
    hertz = _MPEG_RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        return (12 * per_second // hertz + padding) * 4, 384
    instants = 576 if layer == 3 and version != 3 else 1152
    return instants // 8 * per_second // hertz + padding, instants


def _no_fault(file: BinaryIO, size: int, n_frames: int) -> str | None:
    """FLAC has checksums, which its decoder minds."""
    return None


_CHECKS: dict[str, Callable[[BinaryIO, int, int], str | None]] = {
    "WAV": _chunk_fault,
    "WAVEX": _chunk_fault,
    "RF64": _chunk_fault,
    "AIFF": _chunk_fault,
    "AU": _au_fault,
    "CAF": _caf_fault,
    "W64": _w64_fault,
    "FLAC": _no_fault,
    "OGG": _ogg_fault,
}
