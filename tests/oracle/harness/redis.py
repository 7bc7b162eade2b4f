"""Redis servers of our own, in temporary folders."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from harness.servers import ServerError, free_port, listens, running


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of a fresh server."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="oracle-redis-") as folder:
        # Nothing here has to survive.
        command = [find_program(), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]
        with running(command, folder, partial(listens, port)):
            yield f"redis://127.0.0.1:{port}"


def find_program() -> str:
    """The server's program."""
    if found := shutil.which("redis-server"):
        return found
    raise ServerError("no Redis: there is no redis-server on the PATH")
