"""The environments of `environments.toml`, made on demand below `target/oracle`."""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from harness.cases import ROOT

CACHE = ROOT / "target" / "oracle"
DEFINITIONS = Path(__file__).resolve().parents[1] / "environments.toml"
CRATES = Path(__file__).resolve().parents[1] / "rust" / "Cargo.toml"

#: The newest minor version of Python 3 that is looked for.
NEWEST_MINOR = 20


class EnvironmentFailure(Exception):
    """An environment that cannot be made here."""


@dataclass(frozen=True)
class PythonEnvironment:
    """A virtual environment of Python."""

    language = "python"

    name: str
    cases: tuple[str, ...]
    library: str
    counter: str
    minimum: tuple[int, int]
    packages: tuple[str, ...]
    #: The server of its databases; none for files of SQLite.
    server: str | None = None

    @property
    def python(self) -> Path:
        return CACHE / self.name / "bin" / "python"

    @property
    def version(self) -> str:
        """The pinned version of the library."""
        pins = dict(package.split("==") for package in self.packages)
        return pins.get(self.library, "standard library")

    def make(self) -> None:
        """Makes the environment unless it is there with the same packages."""
        folder = CACHE / self.name
        receipt = folder / "packages.txt"
        wanted = "\n".join(self.packages) + "\n"
        if receipt.exists() and receipt.read_text("utf-8") == wanted:
            return
        interpreter = find_interpreter(self.minimum)
        shutil.rmtree(folder, ignore_errors=True)
        execute([interpreter, "-m", "venv", str(folder)])
        if self.packages:
            pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            execute([*pip, *self.packages])
        receipt.write_text(wanted, "utf-8")


@dataclass(frozen=True)
class RustEnvironment:
    """A crate of `rust/Cargo.toml`. Cargo makes it when it builds the first case."""

    language = "rust"

    name: str
    cases: tuple[str, ...]
    library: str
    version: str
    #: The server that its programs can need.
    server: str

    def make(self) -> None:
        """Looks whether there is something that can build cases."""
        if shutil.which("cargo") is None:
            raise EnvironmentFailure("no cargo on the PATH")


Environment = PythonEnvironment | RustEnvironment


def read_environments() -> list[Environment]:
    """All environments, in the order of the file."""
    tables = tomllib.loads(DEFINITIONS.read_text("utf-8"))
    return [read_environment(name, table) for name, table in tables.items()]


def read_environment(name: str, table: dict) -> Environment:
    if table.get("language") == RustEnvironment.language:
        version, server = crate_version(table["library"]), table.get("server", "postgres")
        return RustEnvironment(name, tuple(table["cases"]), table["library"], version, server)
    major, minor = table["python"].split(".")
    return PythonEnvironment(
        name=name,
        cases=tuple(table["cases"]),
        library=table["library"],
        counter=table["counter"],
        minimum=(int(major), int(minor)),
        packages=tuple(table["packages"]),
        server=table.get("server"),
    )


def crate_version(name: str) -> str:
    """The version that a crate is pinned to."""
    manifest = tomllib.loads(CRATES.read_text("utf-8"))
    pinned = manifest["workspace"]["dependencies"][name]
    return (pinned if isinstance(pinned, str) else pinned["version"]).removeprefix("=")


def find_interpreter(minimum: tuple[int, int]) -> str:
    """This Python if it is new enough, else the oldest one that is, on the PATH or of pyenv."""
    if sys.version_info[:2] >= minimum:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for minor in range(minimum[1], NEWEST_MINOR + 1):
        name = f"python3.{minor}"
        on_path = shutil.which(name)
        for path in [on_path] * bool(on_path) + sorted(map(str, pyenv.glob(f"3.{minor}.*/bin/{name}"))):
            # A shim of a version manager can stand on the PATH without a Python behind it.
            if subprocess.run([path, "--version"], capture_output=True).returncode == 0:
                return path
    raise EnvironmentFailure(f"no Python {minimum[0]}.{minimum[1]} or newer on the PATH")


def execute(command: list[str]) -> None:
    """Runs a command that must succeed."""
    # A proxy or an index of the user is pip's business, a virtual environment around us is not.
    variables = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise EnvironmentFailure(f"`{' '.join(command[1:4])} …` failed: {lines[-1]}")
