"""Holds what was measured against what a case claims and against what was measured before."""

from harness.cases import Case
from harness.measurements import Measurement

COMMIT_RULE = "commit-in-loop"


def contradictions(case: Case, measurements: dict[str, Measurement]) -> list[str]:
    """What a case claims and its measurements do not show."""
    return growth_contradictions(case, measurements) + twin_contradictions(case, measurements)


def growth_contradictions(case: Case, measurements: dict[str, Measurement]) -> list[str]:
    """The same of its statements and commits."""
    statements = any(measured.grows != "constant" for measured in measurements.values())
    commits = any(measured.commits_grow != "constant" for measured in measurements.values())
    if not case.rules:
        return clean_contradictions(case, statements or commits)
    found = []
    if case.rules - {COMMIT_RULE} and not statements:
        found.append("claims a finding, but its statements do not grow")
    if COMMIT_RULE in case.rules and not commits:
        found.append(f"claims {COMMIT_RULE}, but its commits do not grow")
    return found


def clean_contradictions(case: Case, grows: bool) -> list[str]:
    """The same for a case that claims no finding."""
    if grows and not case.excused:
        return ["claims no finding, but grows; if that is legitimate, say `excused` in case.toml"]
    if case.excused and not grows:
        return ["is excused, but does not grow"]
    return []


def twin_contradictions(case: Case, measurements: dict[str, Measurement]) -> list[str]:
    """What its fixed twin should do and does not."""
    found = []
    for name, measured in measurements.items():
        if measured.unlike:
            found.append(f"{name}: {measured.unlike}")
        if measured.fixed and case.rules - {COMMIT_RULE} and measured.fixed.statements_grow:
            found.append(f"{name}: the statements of its fixed twin grow")
        if measured.fixed and COMMIT_RULE in case.rules and measured.fixed.commits_grow:
            found.append(f"{name}: the commits of its fixed twin grow")
    return found


def differences(committed: dict[str, Measurement], measured: dict[str, Measurement], own: list[str]) -> list[str]:
    """Where `measured.toml` says something else than what was measured now in the case's own environments."""
    found = [f"measured.toml has {name}, where the case does not run" for name in committed if name not in own]
    for name, now in measured.items():
        before = committed.get(name)
        if before is None:
            found.append(f"measured.toml lacks {name}")
        elif before != now:
            found.append(f"{name}: measured.toml says {describe(before)}, measured {describe(now)}")
    return found


def describe(measured: Measurement) -> str:
    """A measurement in a few words."""
    few, many = measured.few, measured.many
    statements = f"{measured.version}: {few.statements} -> {many.statements} statements"
    text = f"{statements}, {few.commits} -> {many.commits} commits"
    if measured.fixed is None:
        return text
    few, many = measured.fixed.few, measured.fixed.many
    return f"{text}, fixed {few.statements} -> {many.statements} statements, {few.commits} -> {many.commits} commits"
