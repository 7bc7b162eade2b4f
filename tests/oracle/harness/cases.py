"""Cases of fixtures: what they claim on their lines and in `case.toml`."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "fixtures"

MARKER = re.compile(r"(?:#|//)~ (.*?)(?: #\}|$)", re.MULTILINE)
#: What files with markers are called.
SOURCES = ("*.py", "*.html", "*.rs")
REASON = re.compile(r'"[^"]*"')

#: Words before the rule of a marker that is no true finding of the analyzer.
KINDS = ("missing", "wrong")


class CaseError(Exception):
    """A path or a file of a case that is not as it should be."""


@dataclass(frozen=True)
class Case:
    """A folder `<language>/<library>/<rule>/<what_differs>` with a scenario."""

    folder: Path
    #: The marked findings: `("", rule)`, `("missing", rule)` and `("wrong", rule)`.
    markers: frozenset[tuple[str, str]]
    #: Why statements may grow although nothing is to be found; none if they must not.
    excused: str | None
    #: The names of the only environments that can run it; none if all can.
    environments: frozenset[str] | None

    @property
    def rules(self) -> frozenset[str]:
        """The rules of which the case claims a finding, whether the analyzer finds it or not."""
        return frozenset(rule for kind, rule in self.markers if kind != "wrong")

    @property
    def name(self) -> str:
        return self.folder.relative_to(FIXTURES).as_posix()

    @property
    def language(self) -> str:
        return self.folder.relative_to(FIXTURES).parts[0]

    @property
    def library(self) -> str:
        return self.folder.relative_to(FIXTURES).parts[1]

    @property
    def measured(self) -> Path:
        return self.folder / "measured.toml"

    @property
    def fixed(self) -> Path | None:
        """The folder with the files that the remedy changes; none if the case has no fixed twin."""
        folder = self.folder / "fixed"
        return folder if folder.is_dir() else None


def find_cases(paths: list[Path]) -> list[Case]:
    """All executable cases at or below the paths, by name. No paths mean all fixtures."""
    scenarios = set()
    for path in paths or [FIXTURES]:
        folder = path.resolve()
        if not folder.is_relative_to(FIXTURES):
            raise CaseError(f"{path} is not below {FIXTURES.relative_to(ROOT)}")
        found = [*folder.rglob("scenario.py"), *folder.rglob("scenario.rs")]
        if not found:
            raise CaseError(f"{path} has no scenario.py or scenario.rs")
        scenarios.update(found)
    return [read_case(scenario.parent) for scenario in sorted(scenarios)]


def read_case(folder: Path) -> Case:
    """The case in a folder."""
    settings = read_settings(folder / "case.toml")
    environments = settings.get("environments")
    return Case(
        folder=folder,
        markers=read_markers(folder),
        excused=settings.get("excused"),
        environments=None if environments is None else frozenset(environments),
    )


def read_settings(path: Path) -> dict:
    """What a `case.toml` says; nothing if there is none."""
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"{path.relative_to(ROOT)}: {error}") from error


def read_markers(folder: Path) -> frozenset[tuple[str, str]]:
    """The markers of findings; a step (`rule.loop`) is none."""
    markers = set()
    for path in (path for pattern in SOURCES for path in folder.rglob(pattern)):
        if path.is_relative_to(folder / "fixed"):
            continue
        for claims in MARKER.findall(path.read_text("utf-8")):
            words = REASON.sub("", claims).split()
            for before, word in zip(["", *words[:-1]], words, strict=True):
                if word not in KINDS and "." not in word:
                    markers.add((before if before in KINDS else "", word))
    return frozenset(markers)
