"""Databases of runs: every run has one of its own, which is empty at first and gone afterwards."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from harness.postgres import postgres_database, postgres_server
from harness.redis import find_program, redis_server

#: Gives a run its database: the name of a file or an address.
Databases = Callable[[], AbstractContextManager[str]]


@contextmanager
def sqlite_databases() -> Iterator[Databases]:
    """Files, which the run makes itself."""
    yield sqlite_database


@contextmanager
def sqlite_database() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder, "database.sqlite3"))


@contextmanager
def postgres_databases() -> Iterator[Databases]:
    """Databases in one server."""
    with postgres_server() as server:
        yield partial(postgres_database, server)


@contextmanager
def redis_databases() -> Iterator[Databases]:
    """A server for each run: messages to subscribers cross the borders of its databases."""
    find_program()
    yield redis_server


#: By what an environment says in `server`.
DATABASES = {None: sqlite_databases, "postgres": postgres_databases, "redis": redis_databases}
