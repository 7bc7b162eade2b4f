"""What sqlx's macros know of statements: `rust/.sqlx`, which lets cases be built without a database."""

import os
import re
import shutil
import subprocess
import sys

from harness.cases import FIXTURES, Case, find_cases
from harness.postgres import find_programs, postgres_database, postgres_server
from harness.programs import BUILD, CARGO_BUILD, WORKSPACE, main_path, program, programs, write_programs

KNOWN = WORKSPACE / ".sqlx"

#: A macro that asks a database about a statement while it is compiled.
MACRO = re.compile(r"\bquery(?:_as|_scalar)?!")
#: The tables and rows of a scenario.
SQL = re.compile(r'SQL: &str = "(.*?)";', re.DOTALL)


def main() -> int:
    """Asks a database of its own about the statements of every case that uses such macros."""
    cases = [case for case in find_cases([FIXTURES / "rust"]) if uses_macros(case)]
    write_programs(cases)
    shutil.rmtree(KNOWN, ignore_errors=True)
    KNOWN.mkdir()
    failed = 0
    with postgres_server() as server:
        for case in cases:
            with postgres_database(server) as database:
                fill(database, case)
                failed += not compile_with(database, case)
    return 1 if failed else 0


def uses_macros(case: Case) -> bool:
    """Whether a case, or its fixed twin, uses such a macro."""
    return any(MACRO.search(path.read_text("utf-8")) for path in case.folder.rglob("*.rs"))


def fill(database: str, case: Case) -> None:
    """Makes the tables of a case."""
    sql = SQL.search((case.folder / "scenario.rs").read_text("utf-8"))
    numbers = "CREATE TABLE numbers AS SELECT generate_series(1, 3)::bigint AS i"
    command = [find_programs() / "psql", database, "--quiet", "--command", numbers, "--command", sql.group(1)]
    subprocess.run(command, check=True)


def compile_with(database: str, case: Case) -> bool:
    """Compiles the programs of a case, whose macros write down what they are told."""
    for name in programs(case):
        # What is up to date is not compiled again.
        main_path(name).touch()
    known = {"DATABASE_URL": database, "SQLX_OFFLINE_DIR": str(KNOWN), "CARGO_TARGET_DIR": str(BUILD / "target")}
    chosen = [part for name in programs(case) for part in ("--bin", name)]
    done = subprocess.run([*CARGO_BUILD, "--quiet", *chosen], cwd=BUILD, env={**os.environ, **known})
    if done.returncode != 0:
        print(f"macros: {program(case)} does not compile", file=sys.stderr)
    return done.returncode == 0
