"""`docs/forms.md`: tables of every measured case, made of `case.toml`, the markers and `measured.toml`."""

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from harness import measurements
from harness.cases import ROOT, Case, CaseError, find_cases
from harness.measurements import FEW, MANY, MeasuredError, Measurement

PAGE = ROOT / "docs" / "forms.md"
CATALOG = ROOT / "crates" / "onequery_analysis" / "catalog"

#: The catalogues of folders that belong to a language and no library, where they have another name.
LANGUAGES = {"std": "python"}

#: What the command exits with.
DONE, STALE, UNREADABLE = 0, 1, 2

FINDING = "finding"
SILENT = "silent"
EXCUSED = "silent although it grows"
MISSED = "missed finding"
WRONG = "wrong finding"
VERDICTS = (FINDING, SILENT, EXCUSED, MISSED, WRONG)

INTRODUCTION = f"""\
# Forms that were measured

<!-- Written by tests/oracle/forms. -->

Every form below is a small program in [`fixtures`](../fixtures). Each ran against a real database, SQLite or
PostgreSQL, with {FEW} and with {MANY} of what its loop walks over (rows; in a few forms pages, messages or polls), in a fresh
process. The driver's own hook counted what it sent: statements, where one `executemany` is one and `BEGIN` or `SAVEPOINT` is
none, and explicit commits. `4 → 31` is 4 at {FEW} rows and 31 at {MANY}. *Fixed* is what the same program sends once the remedy
is applied that `onequery` advises, or one like it; it gives the same results and leaves the same rows.

- *{FINDING}*: `onequery` reports it, and what it reports grows with the rows.
- *{SILENT}*: nothing is reported, and nothing grows.
- *{EXCUSED}*: nothing is reported for the reason that is given: what grows is no N+1.
- *{MISSED}*: it grows and is not reported. The case's source says why.
- *{WRONG}*: it is reported and does not grow. The case's source says why.

Commits are given when there were any. Where versions of a library disagree, each is named; versions in parentheses are the
only ones in which the form ran, mostly because others lack what it uses. `tests/oracle/measure` counts anew and
`tests/oracle/measure --check` compares; their [README](../tests/oracle/README.md) says what they need.
"""


@dataclass(frozen=True)
class Form:
    """A case and what was measured of it, by environment."""

    case: Case
    measured: dict[str, Measurement]

    @property
    def verdict(self) -> str:
        """What `onequery` says of it, next to what is true."""
        kinds = {kind for kind, _ in self.case.markers}
        if "" in kinds:
            return FINDING
        if "missing" in kinds:
            return MISSED
        if "wrong" in kinds:
            return WRONG
        return EXCUSED if self.case.excused else SILENT

    @property
    def commits(self) -> bool:
        """Whether there were any."""
        return any(counts.commits for measured in self.measured.values() for counts in (measured.few, measured.many))


def main(arguments: list[str]) -> int:
    """Runs the command and gives its exit code."""
    parser = argparse.ArgumentParser(prog="forms", description="Writes docs/forms.md from what was measured.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when docs/forms.md is stale")
    options = parser.parse_args(arguments)
    try:
        text = page(read_forms())
    except (CaseError, MeasuredError) as error:
        print(f"forms: {error}", file=sys.stderr)
        return UNREADABLE
    if not options.check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != text:
        print("forms: docs/forms.md is stale; run tests/oracle/forms", file=sys.stderr)
        return STALE
    return DONE


def read_forms() -> list[Form]:
    """Every case with measurements, by library, rule and name."""
    forms = [Form(case, measurements.read(case.measured)) for case in find_cases([])]
    return [form for form in forms if form.measured]


def page(forms: list[Form]) -> str:
    """The whole page."""
    key = lambda form: (form.case.language, form.case.library)
    libraries = [(title(library), list(own)) for (_, library), own in groupby(forms, key)]
    return "\n".join([INTRODUCTION, overview(libraries), *(section(name, own) for name, own in libraries)])


def overview(libraries: list[tuple[str, list[Form]]]) -> str:
    """How many forms each library has, by verdict."""
    everything = [form for _, forms in libraries for form in forms]
    verdicts = [verdict for verdict in VERDICTS if verdict in tally(everything)]
    lines = [row("Library", "Versions", "Forms", *verdicts), row("---", "---", "---:", *["---:"] * len(verdicts))]
    for name, forms in libraries:
        counts = [tally(forms)[verdict] for verdict in verdicts]
        lines.append(row(f"[{name}](#{anchor(name)})", versions(forms), len(forms), *counts))
    lines.append(row("All", "", len(everything), *[tally(everything)[verdict] for verdict in verdicts]))
    return "\n".join(lines) + "\n"


def tally(forms: list[Form]) -> Counter[str]:
    """How many forms there are by verdict."""
    return Counter(form.verdict for form in forms)


def section(name: str, forms: list[Form]) -> str:
    """The table of a library."""
    environments = {(known.library, known.version) for form in forms for known in form.measured.values()}
    lines = [row("Form", "Rule", "Verdict", "Statements", "Commits", "Fixed"), row(*["---"] * 6)]
    for form in forms:
        verdict = f"{form.verdict}: {form.case.excused}" if form.verdict == EXCUSED else form.verdict
        statements = column(form, environments, lambda run: both(run.few.statements, run.many.statements))
        commits = column(form, environments, lambda run: both(run.few.commits, run.many.commits)) if form.commits else ""
        fixed = column(form, environments, fixed_text) if form.case.fixed else ""
        lines.append(row(link(form.case), rules(form.case), verdict, statements, commits, fixed))
    return f"## {name}\n\n" + "\n".join(lines) + "\n"


def link(case: Case) -> str:
    """A readable name that leads to the case's folder."""
    return f"[{case.folder.name.replace('_', ' ')}](../{case.folder.relative_to(ROOT).as_posix()})"


def rules(case: Case) -> str:
    """The rules that are marked; if none is, the one the case is about."""
    names = sorted({rule for _, rule in case.markers}) or [case.folder.parent.name]
    return ", ".join(f"`{name}`" for name in names)


def column(form: Form, environments: set[tuple[str, str]], text_of: Callable[[Measurement], str]) -> str:
    """What was counted at both sizes, once for all versions that agree."""
    several = len({library for library, _ in environments}) > 1
    agreeing: dict[str, list[str]] = {}
    for measured in form.measured.values():
        name = f"{measured.library} {short(measured.version)}" if several else short(measured.version)
        agreeing.setdefault(text_of(measured), []).append(name)
    if len(agreeing) > 1:
        return "; ".join(f"{', '.join(names)}: {text}" for text, names in agreeing.items())
    [(text, names)] = agreeing.items()
    return text if len(names) == len(environments) else f"{text} ({', '.join(names)})"


def both(few: int, many: int) -> str:
    """A number at both sizes."""
    return f"{few} → {many}"


def fixed_text(measured: Measurement) -> str:
    """What the fixed twin sent: its commits where only they were the trouble."""
    fixed = measured.fixed
    if fixed is None:
        return "not measured"
    if fixed.statements_grow:
        return f"commits {both(fixed.few.commits, fixed.many.commits)}"
    return both(fixed.few.statements, fixed.many.statements)


def title(library: str) -> str:
    """What the catalogue calls a library."""
    path = CATALOG / f"{LANGUAGES.get(library, library)}.toml"
    return tomllib.loads(path.read_text("utf-8"))["title"]


def anchor(heading: str) -> str:
    """Where a heading is on the page."""
    return heading.lower().replace(" ", "-")


def versions(forms: list[Form]) -> str:
    """The libraries and all their versions in which the forms ran."""
    found = sorted({(measured.library, measured.version) for form in forms for measured in form.measured.values()})
    libraries = groupby(found, lambda pair: pair[0])
    return "; ".join(f"{library} {', '.join(version for _, version in own)}" for library, own in libraries)


def short(version: str) -> str:
    """`5.2` of `5.2.19`."""
    return ".".join(version.split(".")[:2])


def row(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"
