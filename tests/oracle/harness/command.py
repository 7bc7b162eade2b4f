"""The command line: measures cases, writes or checks `measured.toml`, prints a table."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from harness import measurements
from harness.cases import Case, CaseError, find_cases
from harness.environments import Environment, EnvironmentFailure, read_environments
from harness.measurements import MeasuredError, Measurement
from harness.programs import RustRunner, rust_runner
from harness.runs import PythonRunner, RunError, python_runner
from harness.verdicts import contradictions, differences

#: Runs at a time.
PROCESSES = 2

#: What the command exits with.
AGREES, DISAGREES, NOT_MEASURED = 0, 1, 2

DESCRIPTION = "Runs cases of fixtures at two sizes, counts what they send to the database and writes measured.toml."
EXIT_CODES = "exit codes: 0 all is well, 1 something disagrees, 2 something could not be measured"


@dataclass
class Outcome:
    """What became of a case."""

    case: Case
    #: The names of the environments it belongs to.
    own: list[str]
    #: By the name of the environment.
    measured: dict[str, Measurement] = field(default_factory=dict)
    #: Why it was not measured, one line per environment.
    failures: list[str] = field(default_factory=list)
    #: The same where this machine lacks what it needs.
    missing: list[str] = field(default_factory=list)
    #: What disagrees with the case or with its `measured.toml`.
    problems: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """Runs the command and gives its exit code."""
    options = parse(arguments)
    try:
        cases = find_cases(options.paths)
    except CaseError as error:
        print(f"measure: {error}", file=sys.stderr)
        return NOT_MEASURED
    outcomes = measure_all(cases)
    for outcome in outcomes:
        finish(outcome, options.check)
    print_table(outcomes)
    if any(outcome.problems for outcome in outcomes):
        return DISAGREES
    lacks = any(outcome.missing for outcome in outcomes) and not options.partial
    return NOT_MEASURED if lacks or any(outcome.failures for outcome in outcomes) else AGREES


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="measure", description=DESCRIPTION, epilog=EXIT_CODES)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a measured.toml differs")
    parser.add_argument("--partial", action="store_true", help="be content with the environments that this machine has")
    parser.add_argument("paths", nargs="*", type=Path, metavar="CASE-PATH", help="cases, or folders of cases")
    return parser.parse_args(arguments)


def measure_all(cases: list[Case]) -> list[Outcome]:
    """Measures every case in every environment of its library."""
    environments = [known for known in read_environments() if any(belongs(case, known) for case in cases)]
    outcomes = [
        Outcome(case, [environment.name for environment in environments if belongs(case, environment)])
        for case in cases
    ]
    for outcome in outcomes:
        if not outcome.own:
            outcome.failures.append(f"any environment: environments.toml has none for {outcome.case.library}")
    for environment in environments:
        measure_in(environment, [outcome for outcome in outcomes if environment.name in outcome.own])
    return outcomes


def belongs(case: Case, environment: Environment) -> bool:
    """Whether a case is to be measured in an environment."""
    if case.language != environment.language:
        return False
    if case.environments is None:
        return case.library in environment.cases
    return environment.name in case.environments


def measure_in(environment: Environment, outcomes: list[Outcome]) -> None:
    """Measures cases in one environment, which is made if need be."""
    if environment.language == "rust":
        runners = rust_runner(environment, [outcome.case for outcome in outcomes])
    else:
        runners = python_runner(environment, PROCESSES)
    try:
        environment.make()
        with runners as runner, ThreadPoolExecutor(PROCESSES) as pool:
            list(pool.map(lambda outcome: measure_case(runner, outcome), outcomes))
    except EnvironmentFailure as error:
        for outcome in outcomes:
            outcome.missing.append(f"{environment.name}: {error}")


def measure_case(runner: PythonRunner | RustRunner, outcome: Outcome) -> None:
    """Measures one case in one environment."""
    name = runner.environment.name
    try:
        outcome.measured[name] = runner.measure(outcome.case)
    except RunError as error:
        outcome.failures.append(f"{name}: {error}")
    except EnvironmentFailure as error:
        outcome.missing.append(f"{name}: {error}")


def finish(outcome: Outcome, check: bool) -> None:
    """Judges what was measured, and writes it down unless it is only checked."""
    if outcome.measured:
        outcome.problems += contradictions(outcome.case, outcome.measured)
    if check:
        compare(outcome)
    elif outcome.measured:
        write(outcome)


def compare(outcome: Outcome) -> None:
    """Notes where `measured.toml` differs."""
    try:
        committed = measurements.read(outcome.case.measured)
    except MeasuredError as error:
        outcome.problems.append(str(error))
    else:
        outcome.problems += differences(committed, outcome.measured, outcome.own)


def write(outcome: Outcome) -> None:
    """Writes `measured.toml`. What could not be measured here today keeps what was measured elsewhere."""
    try:
        committed = measurements.read(outcome.case.measured)
    except MeasuredError:
        committed = {}
    kept = {name: measured for name, measured in committed.items() if name in outcome.own}
    outcome.case.measured.write_text(measurements.render(kept | outcome.measured), "utf-8")


def print_table(outcomes: list[Outcome]) -> None:
    """One line per case, then what is wrong."""
    width = max(len(outcome.case.name) for outcome in outcomes)
    for outcome in outcomes:
        print(f"{outcome.case.name:{width}}  {summary(outcome)}")
    print()
    for outcome in outcomes:
        for problem in outcome.problems:
            print(f"{outcome.case.name}: {problem}")
        for failure in outcome.failures + outcome.missing:
            print(f"{outcome.case.name}: not measured in {failure}")
    troubled = sum(bool(outcome.problems) for outcome in outcomes)
    failed = sum(bool(outcome.failures or outcome.missing) for outcome in outcomes)
    print(f"{len(outcomes)} cases, {troubled} disagree, {failed} could not be measured everywhere")


def summary(outcome: Outcome) -> str:
    """How a case grows, once if all environments agree."""
    texts = {name: counts_text(measured) for name, measured in outcome.measured.items()}
    if len(set(texts.values())) <= 1:
        return next(iter(texts.values()), "not measured")
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def counts_text(measured: Measurement) -> str:
    """The counts and growth of statements, and of commits if there are any."""
    few, many = measured.few, measured.many
    text = f"{few.statements:>2} -> {many.statements:>3} {measured.grows}"
    if few.commits or many.commits:
        text += f", commits {few.commits} -> {many.commits} {measured.commits_grow}"
    if measured.fixed:
        text += f", fixed {measured.fixed.few.statements} -> {measured.fixed.many.statements}"
    return text
