"""A PostgreSQL server of our own, in a temporary folder, and databases in it."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.servers import ServerError, free_port, running

#: Where Debian puts what it does not put on the PATH.
DEBIAN = Path("/usr/lib/postgresql")

#: The server refuses to run as root. This user needs no rights.
INSTEAD_OF_ROOT = "nobody"

NUMBERS = itertools.count(1)

@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a fresh server, without a database's name."""
    programs = find_programs()
    user = INSTEAD_OF_ROOT if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="oracle-postgres-") as folder:
        if user:
            shutil.chown(folder, user)
        data = str(Path(folder, "data"))
        initdb = [programs / "initdb", "--pgdata", data, "--auth=trust", "--username=oracle", "--no-sync", "-E", "UTF8"]
        execute(initdb, user=user, cwd=folder)
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            # Nothing here has to survive.
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        address = f"postgres://oracle@127.0.0.1:{port}"
        # It listens before it is ready.
        is_ready = [programs / "pg_isready", "--dbname", f"{address}/postgres"]
        with running(
            [programs / "postgres", "-D", data, *options],
            folder,
            lambda: subprocess.run(is_ready, capture_output=True).returncode == 0,
            user,
        ):
            yield address


@contextmanager
def postgres_database(server: str) -> Iterator[str]:
    """The address of an empty database in a server, gone afterwards."""
    programs, name = find_programs(), f"run{next(NUMBERS)}"
    maintenance = f"--maintenance-db={server}/postgres"
    execute([programs / "createdb", maintenance, name])
    try:
        # Also SQLAlchemy knows this scheme.
        yield f"{server.replace('postgres:', 'postgresql:')}/{name}"
    finally:
        # Some scenarios leave connections open.
        execute([programs / "dropdb", maintenance, "--force", name])


def find_programs() -> Path:
    """The folder of the server's programs, of the newest version."""
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parents[1].name))
    if not found:
        raise ServerError("no PostgreSQL: there is no initdb on the PATH")
    return found[-1].parent


def execute(command: list, **options) -> None:
    """Runs one of the server's programs, which must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise ServerError(f"{command[0].name} failed: {said[-1]}")
