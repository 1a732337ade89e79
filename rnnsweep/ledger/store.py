"""Files under a folder or a bucket's address: written whole, and tried again where a bucket fails for a while.

A listing says when each file was changed, so one that was read before is read again only if it was changed since. What
was read of many files can be kept in one, the index: a huge store is then opened by its listing and one reading. The
index is no second truth: what it says of a file counts only while the listing shows the very file that it was made of.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyarrow import ArrowException, fs

from rnnsweep.files import write_whole
from rnnsweep.ledger.bucket import Patience, StoreError, T, shown, with_options
from rnnsweep.redact import without_password

INDEX = "index.parquet"
PROBE_BYTES = 4096  # a full disk still takes a file without any
PARALLEL = 16  # files read at a time: a bucket answers slowly, but many at once
FIRST, NEAR_SECONDS = 50, 0.0005  # files read one by one, and what each of them takes at most on a near disk
Stamp = tuple[int, int]  # bytes, and nanoseconds since 1970 of the last change
UNKNOWN = (-1, -1)  # of a file in a file system that does not say
LEFTOVER = re.compile(r"\.(?:.+-|probe-)[0-9a-f]{32}")  # what a writer that was killed leaves: half a file, or a probe
LEFT_SECONDS = 3600  # after which it counts as left: nobody writes one file for so long
NO_FILE = (errno.EISDIR, errno.ELOOP, errno.ENOTDIR)  # something lies there, but no file that anybody wrote


class Store:
    """All files under one local path or bucket address, each named by its path from there."""

    def __init__(self, uri: str | os.PathLike[str], filesystem: fs.FileSystem | None = None) -> None:
        """Open the place at a path or URI (created at the first write); raises `StoreError` on one that can be none."""
        self.uri = _checked(os.fspath(uri))
        if filesystem is not None:
            self._fs, self._root = filesystem, self.uri.rstrip("/")
        elif "://" in self.uri:
            try:
                self._fs, self._root = fs.FileSystem.from_uri(with_options(self.uri))
            except (ValueError, OSError, ArrowException) as error:
                raise Patience(self.uri).refusal(error, "give a folder, or s3://BUCKET/PATH") from None
        else:
            self.uri = str(Path(self.uri).absolute())  # workers run in another folder
            self._fs, self._root = fs.LocalFileSystem(), self.uri
        self._local = isinstance(self._fs, fs.LocalFileSystem)
        self._patience = Patience(self.uri)
        self._forget()

    @property
    def local(self) -> bool:
        """Whether this is a folder, and no bucket."""
        return self._local

    def _forget(self) -> None:
        self._listed: dict[str, Stamp] = {}  # by the last listing
        self._known: dict[str, tuple[Stamp, bytes]] = {}  # read since, or found in the index
        self._indexed: dict[str, Stamp] = {}  # what the index was made of
        self._leftovers: list[str] = []  # by the last listing
        self.odd: list[str] = []  # by the last listing: folders, links to nowhere and the like where files should be

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs of this: not all that was read here."""
        state = self.__dict__.copy()
        for name in ("_listed", "_known", "_indexed", "_leftovers", "odd"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin without anything read."""
        self.__dict__.update(state)
        self._forget()

    def exists(self) -> bool:
        """Return whether anything was ever written here; raises `StoreError` where that cannot be asked."""
        found = self._patiently(lambda: self._fs.get_file_info(self._root))
        return bool(found.type == fs.FileType.Directory)

    def check_writable(self) -> None:
        """Write and remove a small file; raises `StoreError` with the reason where that fails."""
        self.remove_probe(self.write_probe())

    def write_probe(self) -> str:
        """Write a small file that is no part of the results, and return its name; raises `StoreError` with the reason.

        Who can `has_probe` it looks at the same place, and `remove_probe` leaves nothing behind.
        """
        name = f".probe-{uuid.uuid4().hex}"
        self.write_file(name, b" " * PROBE_BYTES)
        return name

    def has_probe(self, name: str) -> bool:
        """Return whether the probe of this name is here."""
        return self.read_file(name) is not None

    def remove_probe(self, name: str) -> None:
        """Remove the probe of this name, if it is here."""
        self.remove_file(name)

    def read_file(self, path: str) -> bytes | None:
        """Return what a file holds, or None where there is none, or something else of that name."""

        def read() -> bytes:
            if self._local:
                return Path(self._root, path).read_bytes()
            with self._fs.open_input_stream(f"{self._root}/{path}", compression=None) as stream:
                return bytes(stream.read())

        try:
            return self._patiently(read)
        except FileNotFoundError:
            return None
        except StoreError as error:
            if error.errno in NO_FILE:
                return None
            raise

    def read_files(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return what those of these files hold that exist, many read at a time but where each is read at once.

        On a disk of this machine one thread is six times sooner than sixteen, which wait for the interpreter; a network
        folder answers each file after milliseconds, which the first ones show.
        """
        names = list(paths)
        begin = time.perf_counter()
        read = [self.read_file(name) for name in (names[:FIRST] if self._local else ())]
        rest = names[len(read) :]
        if read and time.perf_counter() - begin < NEAR_SECONDS * len(read):
            read += map(self.read_file, rest)
        elif rest:
            with ThreadPoolExecutor(PARALLEL) as pool:
                read += pool.map(self.read_file, rest)
        return {name: data for name, data in zip(names, read, strict=True) if data is not None}

    def remove_file(self, path: str) -> None:
        """Remove a file, if it is there."""
        try:
            self._patiently(lambda: self._fs.delete_file(f"{self._root}/{path}"))
        except FileNotFoundError:
            return

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file, whole or not at all; raises `StoreError`."""
        if self._local:
            try:
                write_whole(Path(self._root, path), data, durable=True)
            except OSError as error:
                raise self._refusal(f"cannot be written: {path}: {_reason(error)}", error) from None
            return

        def write() -> None:  # an object is visible when its stream is closed, whole
            with self._fs.open_output_stream(f"{self._root}/{path}", compression=None) as stream:
                stream.write(data)

        try:
            self._patiently(write)
        except FileNotFoundError as error:  # Google's word for a bucket that is not there
            raise self._patience.refusal(error) from None

    def list_files(self) -> list[str]:
        """Return the paths of all files but hidden ones and the index, with one listing, and remember their stamps."""
        entries = self._entries()
        files = {path: stamp for path, stamp in entries.items() if stamp is not None}
        index = files.pop(INDEX, None)
        self.odd = sorted(path for path, stamp in entries.items() if stamp is None and not _is_hidden(path))
        self._leftovers = [path for path in files if LEFTOVER.fullmatch(path.rpartition("/")[2])]
        self._listed = {path: stamp for path, stamp in files.items() if not _is_hidden(path)}
        if index is not None and not self._indexed:
            self._read_index()
        return list(self._listed)

    def stamps(self) -> dict[str, Stamp]:
        """Return bytes and last change of each file that `list_files` returns: where both are equal, so is the file."""
        self.list_files()
        return dict(self._listed)

    def list_folder(self, name: str) -> list[str]:
        """Return the paths of the files in a folder, but hidden ones, with one listing of that folder alone."""
        selector = fs.FileSelector(f"{self._root}/{name}", allow_not_found=True)
        try:
            found = self._patiently(lambda: self._fs.get_file_info(selector))
        except FileNotFoundError:  # removed while it was listed
            return []
        names = [info.base_name for info in found if info.type == fs.FileType.File]
        return [f"{name}/{each}" for each in names if not _is_hidden(each)]

    def remove_empty_folder(self, name: str) -> None:
        """Remove a folder without anything in it; a bucket has no folders."""
        if self._local:
            with contextlib.suppress(OSError):  # there is something in it
                Path(self._root, name).rmdir()

    def remove_leftovers(self) -> None:
        """Remove what killed writers left half-written an hour ago or more, by the last listing."""
        for path in self._leftovers:
            info = self._patiently(lambda: self._fs.get_file_info(f"{self._root}/{path}"))  # noqa: B023
            if info.mtime_ns and time.time() - info.mtime_ns / 1e9 > LEFT_SECONDS:
                self.remove_file(path)

    def _entries(self) -> dict[str, Stamp | None]:
        """Return the stamps of all files by path, and None of what should be none: folders within folders and the like.

        In a folder one that cannot be looked into, a link that leads to itself, or a name that is no text is odd, too.
        """
        selector = fs.FileSelector(self._root, recursive=True, allow_not_found=True)
        root = self._root.lstrip("/") + "/"
        try:
            found = self._patiently(lambda: self._fs.get_file_info(selector))
            paths = [(info.path.lstrip("/").removeprefix(root), info) for info in found]
        except (OSError, UnicodeError):
            if not self._local or not _is_folder(self._root):
                raise
            return dict(_walked(Path(self._root)))
        return {
            path: _stamp(info)
            for path, info in paths
            if info.type != fs.FileType.Directory or "/" in path or path == INDEX
        }

    def read_listed(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return what `read_files` does; a file that is, by the last listing, as it was is not read again."""
        found, changed = {}, []
        for path in paths:
            stamp, data = self._known.get(path, (None, b""))
            if stamp is not None and stamp == self._listed.get(path):
                found[path] = data
            else:
                changed.append(path)
        read = self.read_files(changed)
        for path, data in read.items():
            if self._listed.get(path, UNKNOWN) != UNKNOWN:
                self._known[path] = self._listed[path], data
        return found | read

    def write_index(self, paths: Iterable[str], least: int) -> None:
        """Keep what these listed files hold in one, if at least so many of them are not in it yet.

        Only for files that are not written any more, since a change within the clock's resolution would go unseen. An
        index that cannot be written is done without.
        """
        wanted = [path for path in paths if self._listed[path] != UNKNOWN]
        if sum(self._indexed.get(path) != self._listed[path] for path in wanted) < least:
            return
        import pyarrow as pa
        from pyarrow import parquet

        contents = self.read_listed(wanted)
        sizes, times = zip(*(self._listed[path] for path in contents), strict=True)
        columns = {"path": list(contents), "size": sizes, "changed": times, "content": list(contents.values())}
        buffer = pa.BufferOutputStream()
        parquet.write_table(pa.table(columns), buffer, compression="zstd")
        try:
            self.write_file(INDEX, buffer.getvalue().to_pybytes())
        except StoreError:
            return
        self._indexed = {path: self._listed[path] for path in contents}

    def _read_index(self) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            table = parquet.read_table(pa.BufferReader(self.read_file(INDEX) or b""))
            names = ("path", "size", "changed", "content")
            rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
            known = {path: ((size, changed), content) for path, size, changed, content in rows}
            sizes = [len(content) == size for (size, _), content in known.values()]
        except (
            pa.ArrowException,
            OSError,
            LookupError,
            ValueError,
            TypeError,
        ):  # damaged: then all is read as if there were none
            return
        if not all(sizes):
            return
        self._indexed = {path: stamp for path, (stamp, _) in known.items()}
        self._known = known | self._known

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do it, in a bucket until its patience ends; raises `StoreError`, and FileNotFoundError at once."""
        if not self._local:
            return self._patience.attempt(action)
        try:
            return action()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._refusal(f"cannot be read: {_reason(error)}", error) from None

    def _refusal(self, what: str, error: OSError) -> StoreError:
        remedy = "move that folder away" if error.errno == errno.EISDIR else "give another place with --results"
        refusal = StoreError(f"results {shown(self.uri)} {what}; {remedy}")
        refusal.errno = error.errno
        return refusal


def _checked(uri: str) -> str:
    """Return the address; raises `StoreError` where it is empty, no text, or of no bucket."""
    scheme, mark, place = uri.partition("://")
    if not uri:
        raise StoreError("results has no name: '' is no place; give a folder, or s3://BUCKET/PATH, with --results")
    if mark and not place.partition("?")[0].rpartition("@")[2].strip("/"):
        raise StoreError(
            f"results {without_password(uri)} names no bucket; give {scheme}://BUCKET/PATH, or a folder, with --results"
        )
    try:
        uri.encode()
    except UnicodeEncodeError:
        raise StoreError(f"results {uri!a}: the name is no UTF-8; give another place with --results") from None
    return uri


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # a name too long
        return False


def _is_hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".")


def _stamp(info: fs.FileInfo) -> Stamp | None:
    if info.type != fs.FileType.File:
        return None
    return (info.size, info.mtime_ns) if info.mtime_ns else UNKNOWN


def _walked(root: Path, below: str = "") -> Iterator[tuple[str, Stamp | None]]:
    """Yield what `Store._entries` returns, of a folder that Arrow cannot list for one thing in it."""
    for entry in os.scandir(root / below):
        path = f"{below}/{entry.name}" if below else entry.name
        try:
            entry.name.encode()
            state = entry.stat()
            if not entry.is_dir():
                yield path, (state.st_size, state.st_mtime_ns) if entry.is_file() else None
                continue
            if "/" in path or path == INDEX:
                yield path, None
            yield from _walked(root, path)
        except (OSError, UnicodeEncodeError):
            yield ascii(path)[1:-1], None


def _reason(error: OSError) -> str:
    """Return what the system says of an error: Arrow's own words name paths, and more."""
    return os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
