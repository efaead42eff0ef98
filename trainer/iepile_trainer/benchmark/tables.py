"""What came out, as Markdown, LaTeX, CSV and one HTML page; F1 in percent."""

import csv
import html
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from statistics import mean
from typing import Any

from iepile_dataset.atomic import write_file

__all__ = ["tables_of", "write_tables"]

_MEASURES = {"ee": {"triggers": "event_f1", "arguments": "f1"}, "re": {"relations": "f1"}, "ner": {"mentions": "f1"}}
_LANGUAGES = {"en": "English", "zh": "Chinese"}
_DOMAINS = "crossner"  # sources that are one figure in the tables of others
_SETTINGS = ("supervised", "zero-shot")
_FORGETTING = "Means over sources, beside the first model. By neither: labels that were held out from both."
_STYLE = """
body { font-family: sans-serif; margin: 2em }
table { border-collapse: collapse }
td, th { padding: .2em .8em; text-align: right }
td:first-child, th:first-child { text-align: left }
tr:nth-child(even) { background: #8881 }
"""


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the line.

    Attributes:
        title: What stands in it.
        columns: Their names.
        lines: A cell a column.
        note: What one has to know to read it.
    """

    title: str
    columns: list[str]
    lines: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        """As GitHub shows it.

        >>> print(Table("F1", ["source", "a|b"], [["x", "1.00"]]).markdown())
        ### F1
        <BLANKLINE>
        | source | a\\|b |
        |---|---:|
        | x | 1.00 |
        <BLANKLINE>
        """
        rule = "|---|" + "---:|" * (len(self.columns) - 1)
        escaped = [[cell.replace("|", "\\|") for cell in cells] for cells in (self.columns, *self.lines)]
        head, *lines = [f"| {' | '.join(cells)} |" for cells in escaped]
        return "\n".join([f"### {self.title}", "", head, rule, *lines, *(["", self.note] if self.note else []), ""])

    def latex(self) -> str:
        """As a `tabular`, for booktabs."""
        head, *lines = [" & ".join(map(_latex, cells)) + r" \\" for cells in (self.columns, *self.lines)]
        columns = "l" + "r" * (len(self.columns) - 1)
        inner = "\n".join([r"\toprule", head, r"\midrule", *lines, r"\bottomrule"])
        caption = _latex(f"{self.title}. {self.note}".strip())
        tabular = f"\\begin{{tabular}}{{{columns}}}\n{inner}\n\\end{{tabular}}"
        return f"\\begin{{table}}\n\\caption{{{caption}}}\n{tabular}\n\\end{{table}}\n"

    def csv(self) -> str:
        """With the title in a column before the others."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["table", *self.columns])
        writer.writerows([self.title, *line] for line in self.lines)
        return file.getvalue()

    def html(self) -> str:
        """As a table of a page."""
        rows = [
            f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
            for tag, cells in (("th", self.columns), *(("td", line) for line in self.lines))
        ]
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<h2>{html.escape(self.title)}</h2>\n<table>\n{chr(10).join(rows)}\n</table>\n{note}"


def write_tables(folder: Path, results: dict[str, Any]) -> None:
    """Write `tables.md`, `tables.tex`, `tables.csv` and `index.html` beside the results of a benchmark."""
    tables = list(tables_of(results))
    title = f"{results['corpus']}, {results['split']} split"
    write_file(folder / "tables.md", "\n".join([f"## {title}\n", *(table.markdown() for table in tables)]))
    write_file(folder / "tables.tex", "\n".join(table.latex() for table in tables))
    write_file(folder / "tables.csv", "\n".join(table.csv() for table in tables))
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    page = [f"<!doctype html>\n<html>{head}\n<h1>{html.escape(title)}</h1>", *(table.html() for table in tables)]
    write_file(folder / "index.html", "\n".join([*page, "</html>\n"]))


def tables_of(results: dict[str, Any]) -> Iterator[Table]:
    """All tables of a benchmark: F1 by task and language, what is forgotten, paired tests, test texts of a training."""
    for task, language in dict.fromkeys((one["task"], one["language"]) for one in results["sources"]):
        for measure, key in _MEASURES.get(task, {"units": "f1"}).items():
            yield _scores(results, task, language, measure, key)
    if lines := list(_forgotten(results)):
        columns = ["system", "sources that were learnt", "number", "F1 before", "F1", "change"]
        yield Table("Before and after", columns, lines, _FORGETTING)
    if compared := results["compared"]:
        lines = [
            [f"{one['second']} − {one['first']}", one["task"].upper(), _signed(one["difference"]),
             " to ".join(map(_signed, one["interval"])), f"{one['p_value']:.4f}", f"{one['records']:,}"]
            for one in compared
        ]  # fmt: skip
        columns = ["systems", "task", "difference of F1", "95 % interval", "p", "records"]
        yield Table("Paired tests", columns, lines, "Permutation test over records.")
    again = {name: one for name, one in results["systems"].items() if one["unseen"]}
    if again:
        lines = [
            [name, task.upper(), f"{one['seen_rows']:,}", _percent(one["scores"][task]["f1"]), _percent(scores["f1"])]
            for name, one in again.items()
            for task, scores in one["unseen"].items()
        ]
        yield Table("Test texts that stand in training", ["system", "task", "rows", "F1", "F1 without"], lines)


def _scores(results: dict[str, Any], task: str, language: str, measure: str, key: str) -> Table:
    asked = [one for one in results["sources"] if (one["task"], one["language"]) == (task, language)]
    sources = {one["source"]: one["records"] for one in asked}
    columns = [_Column(name, one, task, language, key) for name, one in results["systems"].items()]
    groups = {_DOMAINS: those} if len(those := [name for name in sources if name.startswith(_DOMAINS)]) > 1 else {}
    published = [
        (part, number)
        for part in _published()
        if (part["task"], part["measure"]) == (task, measure)
        and not part["figures"].keys().isdisjoint(map(_plain, [*sources, *groups]))
        for number in range(len(part["systems"]))
    ]

    def line(label: str, records: str, cells: Iterable[str], name: str) -> list[str]:
        figures = ((part["figures"].get(_plain(name)), number) for part, number in published)
        return [label, records, *cells, *(f"{figure[number]:.2f}" if figure else "–" for figure, number in figures)]

    lines = [line(name, f"{count:,}", (one.cell(name) for one in columns), name) for name, count in sources.items()]
    for name, those in groups.items():
        lines.append(line(f"{name} (mean)", "", (one.average(those) for one in columns), name))
    for setting in _SETTINGS:
        chosen = [[name for name in sources if one.is_zero_shot(name) == (setting == _SETTINGS[1])] for one in columns]
        if any(those for one, those in zip(columns, chosen) if one.is_model):
            lines.append(line(f"mean, {setting}", "", map(_Column.average, columns, chosen), ""))
    note = "F1 in percent (95 % interval over records)."
    if any(one.is_zero_shot(name) for one in columns for name in sources):
        note += " ° zero-shot: not among the sources that it was trained on."
    if published:
        note += " Published figures by others: https://arxiv.org/abs/2402.14710, not asked in the same way."
    names = [f"{part['systems'][number]}, {part['setting']} (published)" for part, number in published]
    title = f"{task.upper()}, {_LANGUAGES.get(language, language)}: {measure}"
    return Table(title, ["source", "records", *(one.name for one in columns), *names], lines, note)


def _forgotten(results: dict[str, Any]) -> Iterator[list[str]]:
    """Each further model beside the first one, by who has learnt which sources; nothing where the first learnt none."""
    first, *others = [(name, one) for name, one in results["systems"].items() if one["options"]] or [("", {})]
    asked = [[one["task"], one["language"], one["source"]] for one in results["sources"]]
    learnt = [source for source in asked if source not in first[1].get("zero_shot", asked)]
    for name, one in others if learnt else ():
        groups = {
            f"by {first[0]}": learnt,
            f"by {name} alone": [key for key in asked if key not in learnt and key not in one["zero_shot"]],
            "by neither": [key for key in asked if key not in learnt and key in one["zero_shot"]],
        }
        for group, keys in groups.items():
            pairs = [
                tuple(scores[task]["sources"][source]["f1"] for scores in (first[1]["scores"], one["scores"]))
                for task, _, source in keys
                if all(source in part["scores"].get(task, {}).get("sources", {}) for part in (first[1], one))
            ]
            if pairs:
                before, after = map(mean, zip(*pairs))
                figures = [_percent(before), _percent(after), _signed(after - before)]
                yield [name, group, str(len(pairs)), *figures]


@dataclass(frozen=True)
class _Column:
    """A system in a table of one task, language and measure."""

    name: str
    results: dict[str, Any]
    task: str
    language: str
    key: str

    @property
    def is_model(self) -> bool:
        return bool(self.results["options"])

    def is_zero_shot(self, source: str) -> bool:
        return [self.task, self.language, source] in self.results["zero_shot"]

    def cell(self, source: str) -> str:
        one = self._of(source)
        if one is None:
            return "–"
        mark = "°" if self.is_zero_shot(source) else ""
        spread = self.results["spread"].get(self.task, {}).get("sources", {}).get(source)
        if self.key == "f1" and spread and spread["sd"] is not None:
            return f"{_percent(spread['mean'])} ± {_percent(spread['sd'])}{mark}"
        interval = f" ({'–'.join(map(_percent, one['interval']))})" if self.key == "f1" else ""
        return f"{_percent(one[self.key])}{mark}{interval}"

    def average(self, sources: Iterable[str]) -> str:
        values = [one[self.key] for one in map(self._of, sources) if one]
        return _percent(mean(values)) if values else "–"

    def _of(self, source: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.results["scores"].get(self.task, {}).get("sources", {}).get(source)
        return found


@cache
def _published() -> list[dict[str, Any]]:
    import yaml

    parts: list[dict[str, Any]] = yaml.safe_load((files(__package__) / "published.yaml").read_text("utf-8"))
    return parts


def _plain(name: str) -> str:
    """A name as `published.yaml` has it.

    >>> _plain("MIT Movie"), _plain("BC5CDR")
    ('mitmovie', 'bc5cdr')
    """
    return re.sub(r"[\W_]", "", name).lower()


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def _signed(fraction: float) -> str:
    return f"{100 * fraction:+.2f}"


def _latex(text: str) -> str:
    escaped = re.sub(r"([&%$#_{}])", r"\\\1", text.replace("\\", r"\textbackslash "))
    return escaped.replace("°", r"$^\circ$").replace("±", r"$\pm$").replace("−", "$-$").replace("–", "--")
