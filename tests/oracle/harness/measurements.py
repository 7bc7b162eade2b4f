"""What was counted, as values and as `measured.toml`."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

#: Numbers of rows at which every case runs.
FEW = 3
MANY = 30

HEADER = "# Written by tests/oracle/measure: what run() of the scenario sends to the database.\n"


class MeasuredError(Exception):
    """A `measured.toml` that was not written by this program."""


@dataclass(frozen=True)
class Counts:
    """What one run sent to the database."""

    statements: int
    commits: int


@dataclass(frozen=True)
class Run:
    """One run of a scenario."""

    counts: Counts
    #: What it returned, printed and left in the database, and whether it changed that.
    outcome: dict


@dataclass(frozen=True)
class Fixed:
    """What the fixed twin of a case did at both sizes."""

    few: Counts
    many: Counts

    @property
    def statements_grow(self) -> bool:
        return self.few.statements != self.many.statements

    @property
    def commits_grow(self) -> bool:
        return self.few.commits != self.many.commits


@dataclass(frozen=True)
class Measurement:
    """What a case did at both sizes in one environment."""

    library: str
    version: str
    few: Counts
    many: Counts
    #: None if the case has no twin.
    fixed: Fixed | None = None
    #: Why the results of the twin do not show that it does the same. No part of `measured.toml`.
    unlike: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, library: str, version: str, runs: list[Run], fixed: list[Run]) -> "Measurement":
        """What runs at both sizes say."""
        counts = [run.counts for run in runs]
        if not fixed:
            return cls(library, version, *counts)
        return cls(library, version, *counts, Fixed(*(run.counts for run in fixed)), unlike(runs, fixed))

    @property
    def grows(self) -> str:
        """How statements grow with the rows."""
        return growth(self.few.statements, self.many.statements)

    @property
    def commits_grow(self) -> str:
        """How commits grow with the rows."""
        return growth(self.few.commits, self.many.commits)


def unlike(runs: list[Run], fixed: list[Run]) -> str | None:
    """Why the results of a twin do not show that it does the same as its case; nothing if they do."""
    for rows, before, after in zip((FEW, MANY), runs, fixed, strict=True):
        for key, value in before.outcome.items():
            if value != after.outcome[key]:
                return f"its fixed twin has something else {key} at {rows} rows{difference(value, after.outcome[key])}"
    shown = runs[0].outcome
    if shown["returned"] is None and not shown["printed"] and not shown["changed"]:
        return "run() gives no result that could be compared with its fixed twin's"
    return None


def difference(before: object, after: object) -> str:
    """The first elements of two lists that differ."""
    if isinstance(before, list) and isinstance(after, list):
        for one, other in zip(before, after):
            if one != other:
                return f": {other!r} instead of {one!r}"
        return f": {len(after)} instead of {len(before)} elements"
    return f": {after!r} instead of {before!r}"


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
{fixed_lines(measured.fixed)}"""


def fixed_lines(fixed: Fixed | None) -> str:
    """What is written of the fixed twin."""
    if fixed is None:
        return ""
    few, many = fixed.few, fixed.many
    return f"""\
fixed_statements = {{ {FEW} = {few.statements}, {MANY} = {many.statements} }}
fixed_commits = {{ {FEW} = {few.commits}, {MANY} = {many.commits} }}
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
    fixed = Fixed(*parse_counts(values, "fixed_")) if "fixed_statements" in values else None
    return Measurement(values["library"], values["version"], *parse_counts(values, ""), fixed)


def parse_counts(values: dict, prefix: str) -> list[Counts]:
    """What was counted at both sizes."""
    statements, commits = values[f"{prefix}statements"], values[f"{prefix}commits"]
    return [Counts(statements[str(rows)], commits[str(rows)]) for rows in (FEW, MANY)]
