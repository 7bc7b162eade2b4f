"""Cases in Rust: each becomes a program, which runs once per size."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from harness.cases import Case
from harness.databases import Databases, redis_databases
from harness.environments import CACHE, EnvironmentFailure, RustEnvironment
from harness.measurements import FEW, MANY, Counts, Measurement, Run
from harness.postgres import postgres_server
from harness.runs import TIMEOUT, RunError, twin
from harness.servers import ServerError

WORKSPACE = Path(__file__).resolve().parents[1] / "rust"

#: Where programs are built, beside the environments of Python.
BUILD = CACHE / "rust"

CARGO_BUILD = ["cargo", "build", "--locked", "--package", "cases"]

#: What a program exits with that needs a server when there is none.
NO_SERVER = 3

MAIN = """\
// Written by tests/oracle/measure.
#![allow(warnings)]

include!("{folder}/src/lib.rs");

#[path = "{folder}/scenario.rs"]
mod scenario;

// What the case takes from its crate and leaves to the scenario.
use scenario::*;

fn main() {{
    oracle::measure(scenario::SQL, scenario::run);
}}
"""


@contextmanager
def one_postgres_server() -> Iterator[Databases]:
    """The same server for every run: a program makes a database of its own in it."""
    with postgres_server() as server:
        yield partial(nullcontext, server)


#: Servers and the variable that tells a program the address of its own, by what an environment says in `server`.
SERVERS = {"postgres": (one_postgres_server, "ORACLE_POSTGRES"), "redis": (redis_databases, "ORACLE_REDIS")}


class RustRunner:
    """Measures cases whose programs were built."""

    def __init__(
        self, environment: RustEnvironment, servers: Databases | ServerError, failures: dict[str, str]
    ) -> None:
        self.environment = environment
        #: Gives a run its server, or says why there is none.
        self.servers = servers
        #: Why there is no program, by its name.
        self.failures = failures

    def measure(self, case: Case) -> Measurement:
        """Counts at both sizes, also for the fixed twin if there is one."""
        runs = [self.run(program(case), rows) for rows in (FEW, MANY)]
        fixed = [self.run(twin_program(case), rows) for rows in (FEW, MANY)] if case.fixed else []
        return Measurement.of(self.environment.library, self.environment.version, runs, fixed)

    def run(self, name: str, rows: int) -> Run:
        """Runs a program in an empty folder."""
        if reason := self.failures.get(name):
            raise RunError(reason)
        with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
            result = Path(scratch, "result.json")
            _, variable = SERVERS[self.environment.server]
            variables = {}
            if not isinstance(self.servers, ServerError):
                variables[variable] = stack.enter_context(self.servers())
            command = [BUILD / "target" / "debug" / name, str(rows), result]
            try:
                done = subprocess.run(
                    command, cwd=scratch, env=variables, capture_output=True, text=True, timeout=TIMEOUT
                )
            except subprocess.TimeoutExpired as error:
                raise RunError(f"still running after {TIMEOUT} seconds at {rows} rows") from error
            if done.returncode == NO_SERVER:
                raise EnvironmentFailure(str(self.servers))
            if done.returncode != 0:
                said = [line for line in done.stderr.splitlines() if line and not line.startswith("note:")]
                raise RunError(f"{' '.join(said[-2:]) or 'no reason given'} (at {rows} rows)")
            values = json.loads(result.read_text("utf-8"))
            return Run(Counts(**values["counts"]), values["outcome"])


@contextmanager
def rust_runner(environment: RustEnvironment, cases: list[Case]) -> Iterator[RustRunner]:
    """Something that measures cases, after building their programs."""
    failures = build(cases)
    start, _ = SERVERS[environment.server]
    with ExitStack() as stack:
        try:
            servers = stack.enter_context(start())
        except ServerError as error:
            # Programs that need it say so; the others run.
            servers = error
        yield RustRunner(environment, servers, failures)


def program(case: Case) -> str:
    """The name of a case's program."""
    return case.name.replace("/", "-")


def twin_program(case: Case) -> str:
    """The name of the program of its fixed twin."""
    return f"{program(case)}-fixed"


def programs(case: Case) -> list[str]:
    """The names of all programs of a case."""
    return [program(case), twin_program(case)] if case.fixed else [program(case)]


def build(cases: list[Case]) -> dict[str, str]:
    """Builds the programs of cases and says why some could not be built."""
    write_programs(cases)
    names = [name for case in cases for name in programs(case)]
    chosen = [part for name in names for part in ("--bin", name)]
    command = [*CARGO_BUILD, "--keep-going", "--message-format=json", *chosen]
    variables = {**os.environ, "CARGO_TARGET_DIR": str(BUILD / "target")}
    done = subprocess.run(command, cwd=BUILD, env=variables, capture_output=True, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    built = {message["target"]["name"] for message in messages if message.get("executable")}
    reasons = {
        message["target"]["name"]: message["message"]["message"]
        for message in reversed(messages)
        if message["reason"] == "compiler-message" and message["message"]["level"] == "error"
    }
    said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return {name: f"not built: {reasons.get(name, said)}" for name in names if name not in built}


def write_programs(cases: list[Case]) -> None:
    """Writes the workspace and the sources of the programs of cases."""
    shutil.copytree(WORKSPACE, BUILD, dirs_exist_ok=True, copy_function=copy_if_changed)
    for case in cases:
        write_main(program(case), case.folder)
        if case.fixed:
            write_main(twin_program(case), keep_twin(case))


def main_path(name: str) -> Path:
    """Where the source of a program is."""
    return BUILD / "cases" / "src" / "bin" / f"{name}.rs"


def write_main(name: str, folder: Path) -> None:
    """Writes the source of a program."""
    path = main_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_if_changed(path, MAIN.format(folder=folder).encode())


def keep_twin(case: Case) -> Path:
    """The fixed twin of a case, where a program can be built of it."""
    kept = BUILD / "twins" / case.name
    with twin(case) as folder:
        shutil.copytree(folder, kept, dirs_exist_ok=True, copy_function=copy_if_changed)
    return kept


def copy_if_changed(source: str, target: str) -> None:
    """Copies a file, unless it would only get newer: Cargo builds anew what is newer."""
    write_if_changed(Path(target), Path(source).read_bytes())


def write_if_changed(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)
