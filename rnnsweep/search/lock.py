"""One driver per study: a lock that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy
from filelock import FileLock, Timeout

from rnnsweep.search.goal import SearchError

SERVER_LOCKS = {  # taken without waiting; the server ends one with the connection
    "postgresql": "SELECT pg_try_advisory_lock(:number)",
    "mysql": "SELECT GET_LOCK(:name, 0)",
    "mariadb": "SELECT GET_LOCK(:name, 0)",
}


@contextlib.contextmanager
def only_driver(engine: sqlalchemy.Engine, name: str) -> Iterator[None]:
    """Hold a lock on a study that ends with this process, however that ends; raises `SearchError` if another has it."""
    if engine.dialect.name == "sqlite":
        with _lock_of_file(f"{engine.url.database}.{name}", name):
            yield
        return
    with engine.connect() as connection:
        if engine.dialect.name in SERVER_LOCKS:
            statement = sqlalchemy.text(SERVER_LOCKS[engine.dialect.name])
            by_number = engine.dialect.name == "postgresql"
            value = {"number": zlib.crc32(name.encode())} if by_number else {"name": name[:64]}
            if not connection.execute(statement, value).scalar():
                raise SearchError(_in_use(name, "another process"))
        yield


@contextlib.contextmanager
def _lock_of_file(path: str, name: str) -> Iterator[None]:
    holder = Path(f"{path}.driver")  # a file of its own: where locks are mandatory, nobody can read a locked one
    try:
        lock = FileLock(f"{path}.lock", timeout=0).acquire()
    except Timeout:
        who = holder.read_text().strip() if holder.exists() else ""
        raise SearchError(_in_use(name, who or "another process")) from None
    with lock:
        holder.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield


def _in_use(name: str, who: str) -> str:
    return f"study {name} is in use by {who}; wait for it, or begin another one with --name"
