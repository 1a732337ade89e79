"""Files under a folder or a bucket's address: written whole, and tried again where a bucket fails for a while.

A listing says when each file was changed, so one that was read before is read again only if it was changed since. What
was read of many files can be kept in one, the index: a huge store is then opened by its listing and one reading. The
index is no second truth: what it says of a file counts only while the listing shows the very file that it was made of.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyarrow import fs

from rnnsweep.files import write_whole
from rnnsweep.ledger.bucket import Patience, StoreError, T, with_options

INDEX = "index.parquet"
PARALLEL = 16  # files read at a time: a bucket answers slowly, but many at once
Stamp = tuple[int, int]  # bytes, and nanoseconds since 1970 of the last change
UNKNOWN = (-1, -1)  # of a file in a file system that does not say


class Store:
    """All files under one local path or bucket address, each named by its path from there."""

    def __init__(self, uri: str | os.PathLike[str], filesystem: fs.FileSystem | None = None) -> None:
        """Open the place at a path or URI (created at the first write); raises `StoreError` on an unknown scheme."""
        self.uri = os.fspath(uri)
        if filesystem is not None:
            self._fs, self._root = filesystem, self.uri.rstrip("/")
        elif "://" in self.uri:
            try:
                self._fs, self._root = fs.FileSystem.from_uri(with_options(self.uri))
            except (ValueError, OSError) as error:
                raise Patience(self.uri).refusal(error, "give a folder, or s3://BUCKET/PATH") from None
        else:
            self.uri = str(Path(self.uri).absolute())  # workers run in another folder
            self._fs, self._root = fs.LocalFileSystem(), self.uri
        self._local = isinstance(self._fs, fs.LocalFileSystem)
        self._patience = Patience(self.uri)
        self._forget()

    def _forget(self) -> None:
        self._listed: dict[str, Stamp] = {}  # by the last listing
        self._known: dict[str, tuple[Stamp, bytes]] = {}  # read since, or found in the index
        self._indexed: dict[str, Stamp] = {}  # what the index was made of

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs of this: not all that was read here."""
        state = self.__dict__.copy()
        for name in ("_listed", "_known", "_indexed"):
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
        try:
            self.write_file(name, b"")
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(
                f"results {self.uri} cannot be written: {error.strerror or error}; give another place with --results"
            ) from None
        return name

    def has_probe(self, name: str) -> bool:
        """Return whether the probe of this name is here."""
        return self.read_file(name) is not None

    def remove_probe(self, name: str) -> None:
        """Remove the probe of this name, if it is here."""
        self.remove_file(name)

    def read_file(self, path: str) -> bytes | None:
        """Return what a file holds, or None where there is none."""

        def read() -> bytes:
            with self._fs.open_input_stream(f"{self._root}/{path}", compression=None) as stream:
                return bytes(stream.read())

        try:
            return self._patiently(read)
        except FileNotFoundError:
            return None

    def read_files(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return what those of these files hold that exist, many read at a time."""
        names = list(paths)
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = zip(names, pool.map(self.read_file, names), strict=True)
            return {name: data for name, data in found if data is not None}

    def remove_file(self, path: str) -> None:
        """Remove a file, if it is there."""
        try:
            self._patiently(lambda: self._fs.delete_file(f"{self._root}/{path}"))
        except FileNotFoundError:
            return

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        if self._local:
            write_whole(Path(self._root, path), data, durable=True)
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
        selector = fs.FileSelector(self._root, recursive=True, allow_not_found=True)
        root = self._root.lstrip("/") + "/"
        found = {
            info.path.lstrip("/").removeprefix(root): (info.size, info.mtime_ns) if info.mtime_ns else UNKNOWN
            for info in self._patiently(lambda: self._fs.get_file_info(selector))
            if info.type == fs.FileType.File
        }
        index = found.pop(INDEX, None)
        self._listed = {path: stamp for path, stamp in found.items() if not path.rpartition("/")[2].startswith(".")}
        if index is not None and not self._indexed:
            self._read_index()
        return list(self._listed)

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

        Only for files that are not written any more, since a change within the clock's resolution would go unseen.
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
        self.write_file(INDEX, buffer.getvalue().to_pybytes())
        self._indexed = {path: self._listed[path] for path in contents}

    def _read_index(self) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            table = parquet.read_table(pa.BufferReader(self.read_file(INDEX) or b""))
            names = ("path", "size", "changed", "content")
            rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
            known = {path: ((size, changed), content) for path, size, changed, content in rows}
        except (pa.ArrowInvalid, KeyError):  # damaged: then all is read as if there were none
            return
        self._indexed = {path: stamp for path, (stamp, _) in known.items()}
        self._known = known | self._known

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do it, in a bucket again and again until its patience ends; raises `StoreError`, in a folder OSError."""
        return action() if self._local else self._patience.attempt(action)
