"""Runs scenarios in processes of their own."""

import json
import subprocess
import tempfile
from pathlib import Path

from harness.cases import Case
from harness.environments import Environment
from harness.measurements import FEW, MANY, Counts, Measurement

WORKER = Path(__file__).resolve().parents[1] / "inside" / "worker.py"

#: Seconds that one run may take. The slowest need one.
TIMEOUT = 60


class RunError(Exception):
    """A scenario that did not come to an end."""


def measure(case: Case, environment: Environment) -> Measurement:
    """Counts at both sizes."""
    few, many = (run(case, environment, rows) for rows in (FEW, MANY))
    return Measurement(environment.library, environment.version, few, many)


def run(case: Case, environment: Environment, rows: int) -> Counts:
    """Counts at one size, in a fresh process with a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        command = [environment.python, WORKER, environment.counter, case.folder, str(rows), result]
        try:
            done = subprocess.run(
                command, cwd=folder, env=variables(folder), capture_output=True, text=True, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired as error:
            raise RunError(f"still running after {TIMEOUT} seconds at {rows} rows") from error
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            raise RunError(f"{lines[-1]} (at {rows} rows)")
        return Counts(**json.loads(result.read_text("utf-8")))


def variables(folder: str) -> dict[str, str]:
    """The environment variables of a run: nothing of the user's plays a part, and no bytecode is left in fixtures."""
    return {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "ORACLE_DATABASE": str(Path(folder, "database.sqlite3")),
    }
