"""Runs scenarios of Python at both sizes, each in a process of its own."""

import json
import os
import queue
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.cases import Case
from harness.databases import DATABASES, Databases
from harness.environments import PythonEnvironment
from harness.measurements import FEW, MANY, Counts, Measurement, Run
from harness.postgres import find_programs

WORKER = Path(__file__).resolve().parents[1] / "inside" / "worker.py"

#: Seconds that one run may take. The slowest need one.
TIMEOUT = 60


class RunError(Exception):
    """A scenario that did not come to an end."""


class Worker:
    """A process inside of an environment that runs one scenario after the other."""

    def __init__(self, environment: PythonEnvironment, databases: Databases) -> None:
        self.environment = environment
        self.databases = databases
        self.process = self.start()

    def start(self) -> subprocess.Popen:
        command = [self.environment.python, WORKER, self.environment.counter]
        # Nothing of the user's plays a part, and no bytecode is left in fixtures.
        variables = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        if self.environment.server == "postgres":
            # To read what is in a database.
            variables["PATH"] = str(find_programs())
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, text=True, start_new_session=True)

    def run(self, folder: Path, rows: int) -> Run:
        """Runs the scenario in a folder with a fresh database."""
        with tempfile.TemporaryDirectory() as scratch, self.databases() as database:
            result = Path(scratch, "result.json")
            request = {"folder": str(folder), "rows": rows, "database": database, "result": str(result)}
            print(json.dumps(request), file=self.process.stdin, flush=True)
            answered, _, _ = select.select([self.process.stdout], [], [], TIMEOUT)
            answer = self.process.stdout.readline().strip() if answered else ""
            if not answer:
                self.restart()
                why = "its process ended" if answered else f"still running after {TIMEOUT} seconds"
                raise RunError(f"{why} at {rows} rows")
            if answer != "0":
                said = result.read_text("utf-8").strip() if result.exists() else ""
                raise RunError(f"{(said.splitlines() or [f'exit code {answer}'])[-1]} (at {rows} rows)")
            values = json.loads(result.read_text("utf-8"))
            return Run(Counts(**values["counts"]), values["outcome"])

    def restart(self) -> None:
        self.stop()
        self.process = self.start()

    def stop(self) -> None:
        """Ends it, and the scenario that it may be running."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class PythonRunner:
    """Measures cases in an environment, several at a time."""

    def __init__(self, environment: PythonEnvironment, workers: list[Worker]) -> None:
        self.environment = environment
        self.free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for worker in workers:
            self.free.put(worker)

    def measure(self, case: Case) -> Measurement:
        """Counts at both sizes, also for the fixed twin if there is one."""
        worker = self.free.get()
        try:
            runs = [worker.run(case.folder, rows) for rows in (FEW, MANY)]
            fixed = []
            if case.fixed:
                with twin(case) as folder:
                    fixed = [worker.run(folder, rows) for rows in (FEW, MANY)]
        finally:
            self.free.put(worker)
        return Measurement.of(self.environment.library, self.environment.version, runs, fixed)


@contextmanager
def python_runner(environment: PythonEnvironment, processes: int) -> Iterator[PythonRunner]:
    """Something that measures in an environment, for as long as it is needed."""
    with DATABASES[environment.server]() as databases:
        workers = [Worker(environment, databases) for _ in range(processes)]
        try:
            yield PythonRunner(environment, workers)
        finally:
            for worker in workers:
                worker.stop()


@contextmanager
def twin(case: Case) -> Iterator[Path]:
    """A folder with the case as its remedy leaves it: what is below `fixed` stands in for what is beside it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, case.folder.name)
        shutil.copytree(case.folder, folder, ignore=shutil.ignore_patterns(case.fixed.name))
        shutil.copytree(case.fixed, folder, dirs_exist_ok=True)
        yield folder
