"""Servers of databases of our own: each on a free loopback port, gone when it is no longer needed."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.environments import EnvironmentFailure

#: Seconds until a server must answer.
PATIENCE = 30


class ServerError(EnvironmentFailure):
    """There is no server, or it does not do what it should."""


@contextmanager
def running(command: list, folder: str, answers: Callable[[], bool], user: str | None = None) -> Iterator[None]:
    """Runs a server in a folder. It answers when this begins."""
    with open(Path(folder, "log"), "w", encoding="utf-8") as log:
        server = subprocess.Popen(command, user=user, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for(server, answers)
        yield
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listens(port: int) -> bool:
    """Whether somebody listens on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_for(server: subprocess.Popen, answers: Callable[[], bool]) -> None:
    """Waits until the server answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        if answers():
            return
        time.sleep(0.02)
    raise ServerError(f"{Path(server.args[0]).name} does not answer")
