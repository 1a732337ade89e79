"""TODO docstring of rnnsweep/search/lock.py."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy

from rnnsweep.search.goal import SearchError


@contextlib.contextmanager
def only_driver(engine: sqlalchemy.Engine, name: str) -> Iterator[None]:
    """Hold a lock on a study that ends with this process, however that ends; raises `SearchError` if another has it."""
    dialect = engine.dialect.name
    if dialect == "sqlite":
        path = Path(f"{engine.url.database}.{name}.lock")
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise SearchError(_in_use(name, file.read().strip())) from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield
        return
    with engine.connect() as connection:  # the server ends the lock with the connection
        locks = {
            "postgresql": "SELECT pg_try_advisory_lock(:number)",
            "mysql": "SELECT GET_LOCK(:name, 0)",
            "mariadb": "SELECT GET_LOCK(:name, 0)",
        }
        if dialect in locks:
            values = {"number": zlib.crc32(name.encode())} if dialect == "postgresql" else {"name": name[:64]}
            if not connection.execute(sqlalchemy.text(locks[dialect]), values).scalar():
                raise SearchError(_in_use(name, "another process"))
        yield


def _in_use(name: str, who: str) -> str:
    return f"study {name} is in use by {who}; wait for it, or begin another one with --name"
