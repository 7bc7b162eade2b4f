"""What was counted, as values and as `measured.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

#: Numbers of rows at which every case runs.
FEW = 3
MANY = 30

HEADER = "# Written by tests/oracle/measure: what run() of scenario.py sends to the database.\n"


class MeasuredError(Exception):
    """A `measured.toml` that was not written by this program."""


@dataclass(frozen=True)
class Counts:
    """What one run sent to the database."""

    statements: int
    commits: int


@dataclass(frozen=True)
class Measurement:
    """What a case did at both sizes in one environment."""

    library: str
    version: str
    few: Counts
    many: Counts

    @property
    def grows(self) -> str:
        """How statements grow with the rows."""
        return growth(self.few.statements, self.many.statements)

    @property
    def commits_grow(self) -> str:
        """How commits grow with the rows."""
        return growth(self.few.commits, self.many.commits)


def growth(few: int, many: int) -> str:
    """`constant`, `per-row`, or how many per row, with two decimals."""
    per_row = (many - few) / (MANY - FEW)
    if per_row == 0:
        return "constant"
    return "per-row" if per_row == 1 else f"{per_row:.2f}"


def render(measurements: dict[str, Measurement]) -> str:
    """The text of a `measured.toml`."""
    return HEADER + "".join(table(name, measured) for name, measured in sorted(measurements.items()))


def table(name: str, measured: Measurement) -> str:
    """What was measured in one environment."""
    few, many = measured.few, measured.many
    return f"""
["{name}"]
library = "{measured.library}"
version = "{measured.version}"
statements = {{ {FEW} = {few.statements}, {MANY} = {many.statements} }}
commits = {{ {FEW} = {few.commits}, {MANY} = {many.commits} }}
grows = "{measured.grows}"
commits_grow = "{measured.commits_grow}"
"""


def read(path: Path) -> dict[str, Measurement]:
    """What a `measured.toml` says by environment; nothing if there is none."""
    if not path.exists():
        return {}
    text = path.read_text("utf-8")
    try:
        measurements = {name: parse(values) for name, values in tomllib.loads(text).items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise MeasuredError("measured.toml cannot be read") from error
    if render(measurements) != text:
        raise MeasuredError("measured.toml was edited by hand")
    return measurements


def parse(values: dict) -> Measurement:
    """The measurement of a table."""
    counts = [Counts(values["statements"][str(rows)], values["commits"][str(rows)]) for rows in (FEW, MANY)]
    return Measurement(values["library"], values["version"], *counts)
