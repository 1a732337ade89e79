"""From a file to its bytes and its text: compression, sizes that are refused, encodings."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

from rnnsweep.data.reviews import DataError

PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")
LARGEST = 8 * 10**9  # bytes that one file may unpack to
RATIO = 1000  # times its own size; texts pack to a tenth or a fiftieth
FREE = 64 * 2**20  # bytes that are never too many, however small the file
MEMORY_SHARE = 4  # a text takes some four times its bytes until its words are counted
BLOCK = 2**20
_MAGIC = {
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\x00": ".xz",
    b"PK\x03\x04": ".zip",
    b"\x28\xb5\x2f\xfd": ".zst",
}
_BOMS = (  # UTF-32's first, since UTF-16's begins it
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHOWN = 60  # characters of a line in a message
DAMAGE = (OSError, EOFError, ValueError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, NotImplementedError)


@dataclass(frozen=True)
class Limit:
    """How many bytes a file may unpack to, and why not more."""

    size: int
    why: str

    def check(self, size: int, path: PurePath | str, how: str) -> None:
        """Raise `DataError` where `size` bytes, known as `how` says, are more than this."""
        if size > self.size:
            raise DataError(
                f"{path} {how} {_bytes(size)}, more than {self.why}; look what it is, and give a smaller file"
            )


@dataclass(frozen=True)
class Content:
    """What is in a file once it is unpacked."""

    data: bytes
    suffix: str  # of the file, without that of its compression, in lower case
    compression: str | None  # .gz, .bz2, .xz, .zip, .zst


def memory_at_hand() -> int:
    """Return the bytes of memory that can be had now, in a container those that it may still take."""
    import psutil

    available = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no container, or one without a limit
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text())
        available = min(available, most - int((group / "memory.current").read_text()))
    return max(available, 0)


def limit_of(size: int) -> Limit:
    """Return what a file of `size` bytes may unpack to: 8 GB, 1,000 times its size, a quarter of the free memory."""
    memory = memory_at_hand()
    return min(
        Limit(LARGEST, f"the {_bytes(LARGEST)} that are read of one file"),
        Limit(max(FREE, RATIO * size), f"{RATIO:,} times its own {_bytes(size)}, which no real texts reach"),
        Limit(memory // MEMORY_SHARE, f"a quarter of the {_bytes(memory)} of memory that are free here"),
        key=lambda limit: limit.size,
    )


def unpacked(path: Path) -> Content:
    """Return the bytes of a file, unpacked if its first bytes say that it is packed; raises `DataError`.

    An Excel file is a .zip, too, and stays as it is. An archive of several files is refused, and so is what unpacks to
    more than `limit_of` allows, by the size it declares and by the size it has.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
        limit = limit_of(path.stat().st_size)
        compression = _compression(head)
        if compression == ".zip":
            return _from_zip(path, limit)
        with _opened(path, compression) as stream:
            data = _all_of(stream, path, limit, "is" if compression is None else "unpacks to")
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(f"{path} cannot be read ({reason_of(error)}); get the file again, or unpack it") from None
    name = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return Content(data, name.suffix.lower(), compression)


def opened(path: Path, raw: IO[bytes]) -> tuple[IO[bytes], str]:
    """Return what is in a file as a stream that is unpacked while it is read, and its suffix; raises `DataError`.

    `raw` is the file, opened for bytes, so that its place says how far it was read.
    """
    compression = _compression(raw.read(8))
    raw.seek(0)
    if compression != ".zip":
        name = path.with_suffix("") if path.suffix.lower() in PACKED else path
        return _opened(raw, compression), name.suffix.lower()
    archive = zipfile.ZipFile(raw)
    if "[Content_Types].xml" in archive.namelist():
        raw.seek(0)
        return raw, ".xlsx"
    member = _only_member(archive, path)
    return archive.open(member), PurePath(member.filename).suffix.lower()


def _compression(head: bytes) -> str | None:
    return next((suffix for magic, suffix in _MAGIC.items() if head.startswith(magic)), None)


def _opened(file: Path | IO[bytes], compression: str | None) -> Any:
    if compression == ".zst":
        import pyarrow

        source = pyarrow.OSFile(str(file)) if isinstance(file, Path) else pyarrow.PythonFile(file)
        return pyarrow.CompressedInputStream(source, "zstd")
    if compression is None:
        return file.open("rb") if isinstance(file, Path) else file
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    return openers[compression](file, "rb")


def _all_of(stream: IO[bytes], path: PurePath | str, limit: Limit, how: str) -> bytes:
    data = bytearray()
    for block in _blocks(stream):
        data += block
        limit.check(len(data), path, f"{how} at least")
    return bytes(data)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _from_zip(path: Path, limit: Limit) -> Content:
    with zipfile.ZipFile(path) as archive:
        names = {member.filename for member in archive.infolist()}
        if "[Content_Types].xml" in names:
            check_zip(archive, path, limit)
            return Content(path.read_bytes(), ".xlsx", None)
        member = _only_member(archive, path)
        limit.check(member.file_size, path, "says that it unpacks to")
        with archive.open(member) as stream:
            data = _all_of(stream, path, limit, "unpacks to")
    return Content(data, PurePath(member.filename).suffix.lower(), ".zip")


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not _is_clutter(member)]
    if len(members) != 1:
        shown = ", ".join(cut(member.filename) for member in members[:5]) + (", ..." if len(members) > 5 else "")
        raise DataError(f"{path} holds {len(members)} files ({shown}); unpack it, and give one file or the folder")
    if members[0].flag_bits & 1:
        raise DataError(f"{path} is locked with a password; unpack it, and give the file in it")
    return members[0]


def check_zip(archive: zipfile.ZipFile, path: PurePath | str, limit: Limit) -> None:
    """Raise `DataError` where all members of an archive, as they declare, are larger than the limit together."""
    limit.check(sum(member.file_size for member in archive.infolist()), path, "says that it unpacks to")


def _is_clutter(member: zipfile.ZipInfo) -> bool:
    path = PurePath(member.filename)
    return member.is_dir() or "__MACOSX" in path.parts or path.name.startswith(".")


# ---- encodings
def decoded(data: bytes, path: PurePath | str, encoding: str | None = None) -> tuple[str, str]:
    """Return the text of a file without its byte order mark, each line break as one \\n, and its encoding.

    Without `encoding`, it is UTF-8, or UTF-16 or UTF-32 by a mark or by its zeros. Raises `DataError`, with the first
    wrong byte, the lines that hold such, and what the file looks like.
    """
    used = encoding or marked(data) or "utf-8"
    try:
        text = data.decode(used)
    except UnicodeDecodeError as error:
        raise DataError(_wrong_bytes(data, str(path), used, error, encoding is not None)) from None
    except (LookupError, UnicodeError) as error:
        raise DataError(
            f"--encoding {used} cannot be used ({reason_of(error)}); give utf-8, utf-16, cp1252, ..."
        ) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), used.removesuffix("-sig")


def marked(data: bytes) -> str | None:
    """Return the encoding that the first bytes of a text show, by a mark or by zeros; None where they show none."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    head = data[:4000]
    if head[1::2].count(0) > len(head) / 6:  # Latin letters in UTF-16, whose mark somebody has lost
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > len(head) / 6 else None


def _wrong_bytes(data: bytes, path: str, used: str, error: UnicodeDecodeError, given: bool) -> str:
    at = error.start
    line = data.count(b"\n", 0, at) + 1
    found = f"{path} is not {used}: byte 0x{data[at]:02x} at offset {at:,}, in line {line:,}"
    more = _lines_with_wrong_bytes(data, used)
    if len(more) > 1:
        found += f", and {len(more) - 1:,} more such lines ({', '.join(f'{n:,}' for n in more[1:3])}, ...)"
    guess = _guess(data, at)
    if guess is None:
        return f"{found}; it looks like no text at all: give a text file, and save it as UTF-8"
    begin = data.rfind(b"\n", 0, at) + 1
    shown = cut(data[begin : begin + 4 * _SHOWN].decode(guess, "replace").split("\n")[0].strip())
    other = "another --encoding" if given and guess == used else f"--encoding {guess}"
    return f"{found}; it looks like {guess}, in which that line is {shown!r}: give {other}, or save it as UTF-8"


def _lines_with_wrong_bytes(data: bytes, used: str) -> list[int]:
    if codecs.lookup(used).name not in ("utf-8", "utf-8-sig", "ascii"):
        return []  # elsewhere a wrong byte shifts what is behind it, so that the lines cannot be told
    text = data.decode(used, "surrogateescape")
    return [n for n, line in enumerate(text.split("\n"), 1) if re.search("[\udc80-\udcff]", line)]


def _guess(data: bytes, at: int) -> str | None:
    """Return the encoding that the file looks like, cp1252 where it is as good as any, or None for no text."""
    from charset_normalizer import from_bytes

    part = data[max(0, at - 50_000) : at + 50_000]
    if any(byte in part for byte in b"\x00\x01\x02\x03\x04\x05\x06"):
        return None
    found = from_bytes(part)
    best = found.best()
    if best is None:
        return None
    alike = {best.encoding, *best.could_be_from_charset}
    for match in found:
        if (match.chaos, match.coherence) == (best.chaos, best.coherence):
            alike |= {match.encoding, *match.could_be_from_charset}
    return next((name for name in ("cp1252", "latin_1") if name in alike), best.encoding)


# ---- words of messages
def cut(text: str, length: int = _SHOWN) -> str:
    """Return a text of one line and at most `length` characters, for a message."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else line[: length - 3] + "..."


def _bytes(size: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


def reason_of(error: BaseException) -> str:
    """Return what an error says in one line, or its kind where it says nothing."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__
