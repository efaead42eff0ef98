"""Findings, counted by kind: what `iepile validate` tells, as data, JSON or one HTML file."""

from collections import Counter
from dataclasses import dataclass, field
from importlib import resources

import jinja2
import orjson

from ..errors import Problem

_RAW_SHOWN = 300


@dataclass(frozen=True)
class Finding(Problem):
    """One thing that is wrong.

    Attributes:
        kind: The reason without its values, "" where it has none; like findings are counted together.
        severity: `error`, or `warning` for what does not keep the data from being used.
    """

    kind: str = ""
    severity: str = "error"


@dataclass
class Group:
    """Findings of one kind.

    Attributes:
        kind: What they have in common.
        severity: `error` or `warning`.
        count: How many.
        files: File to count.
        places: The first of them.
    """

    kind: str
    severity: str
    count: int = 0
    files: Counter[str] = field(default_factory=Counter)
    places: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Checked:
    """One file that was checked.

    Attributes:
        file: As the user gave it, or below the folder that the user gave.
        format: The name of its JSON Schema.
        values: Lines, rows or whole files that were looked at.
        findings: How many things are wrong.
    """

    file: str
    format: str
    values: int
    findings: int


@dataclass
class Report:
    """What was checked and what was found; only the first findings of each kind are kept, so memory stays flat.

    >>> report = Report(examples=1)
    >>> for line in (1, 2):
    ...     report.add(Finding("train.json", line, "the text is empty", "give it"))
    >>> report.errors, [str(place) for place in report.sorted_groups()[0].places]
    (2, ['train.json:1: the text is empty (give it)'])
    """

    examples: int = 5
    files: list[Checked] = field(default_factory=list)
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """How many findings keep data from being used."""
        return sum(group.count for group in self.groups.values() if group.severity == "error")

    @property
    def warnings(self) -> int:
        """How many findings do not."""
        return sum(group.count for group in self.groups.values() if group.severity == "warning")

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it where it is among the first of its kind."""
        kind, raw = finding.kind or finding.reason, finding.raw
        group = self.groups.setdefault((finding.severity, kind), Group(kind, finding.severity))
        group.count += 1
        group.files[finding.file] += 1
        if self.examples < 0 or len(group.places) < self.examples:
            cut = raw[:_RAW_SHOWN] + "…" if len(raw) > _RAW_SHOWN else raw
            group.places.append(Problem(finding.file, finding.line, finding.reason, finding.remedy, cut))

    def sorted_groups(self) -> list[Group]:
        """Errors before warnings, the most frequent first."""
        return sorted(self.groups.values(), key=lambda group: (group.severity, -group.count, group.kind))

    def as_json(self) -> str:
        """The whole report for machines."""
        report = {
            "errors": self.errors, "warnings": self.warnings, "findings": self.sorted_groups(), "files": self.files,
        }  # fmt: skip
        return orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()

    def as_html(self) -> str:
        """The whole report as one HTML file that needs nothing else."""
        template = resources.files(__package__).joinpath("validation.html.jinja").read_text("utf-8")
        environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        return environment.from_string(template).render(report=self, groups=self.sorted_groups())
