"""F1 for schema-based information extraction: entities, relations and events, from raw model answers.

The face of the package for the `evaluate` library. All counting is plain functions in the files beside
this one; they are imported here one by one because a Hub Space serves only the files that this script
names itself. The libraries that only those files need are imported here too: `evaluate` names the missing ones.
"""

# ruff: noqa: F401

from typing import Any

import datasets
import evaluate
import orjson

from .accumulator import score_rows
from .answer_shapes import items_in
from .asked import labels_of
from .counts import rates
from .events import read_events
from .matching import MATCHES
from .mentions import read_entities
from .near_json import Decoder
from .options import PARSES
from .parse_answer import read_answer
from .places import placed
from .record import Record
from .relations import read_relations
from .repairs import REPAIRS
from .scores import Totals
from .tasks import TASKS
from .text_objects import objects_in
from .thoughts import without_thoughts

_CITATION = """
@inproceedings{gui2024iepile,
  title = {{IEPile}: Unearthing Large-Scale Schema-Based Information Extraction Corpus},
  author = {Gui, Honghao and others},
  booktitle = {Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics},
  year = {2024}
}
"""


class IepileF1(evaluate.Metric):
    """Micro F1 over the units of information extraction: `evaluate.load("iepile_f1", task)`.

    Units are entities (type, mention), relations (relation, subject, object), events (type, trigger) and their
    arguments (type, role, argument). Predictions are the model's raw text, repaired where its meaning is plain;
    references are the record's whole annotation as JSON.

    Args:
        predictions: list of str, the model's answers.
        references: list of str, each the JSON of the record's annotation (or of an answer that stands for it);
            "" marks an unlabelled record, which is left out and counted.
        ids: list of str, optional. Rows of one id (and source) are batches of one record: predictions unite,
            gold counts once. Without ids each row is a record.
        sources: list of str, optional. Scores are also given for each source.
        instructions: list of str, optional. What was asked, as rows have it (or JSON lists of labels): it says which
            object of an odd answer is the answer. Without them only unambiguous shapes are read.
        tasks: list of str or one str; needed if the metric was loaded without a task.
        match: "exact", "normalised", "span" (by place; needs instructions, and places in the references) or "overlap".
        count: "multiset" or "set".
        parse: "lenient" or "strict".

    Returns:
        precision, recall, f1, tp, fp, fn of the headline measure, for events also event_f1, argument_f1 and the
        four figures of the literature; counts; labels, sources and definitions. Rows of several tasks give
        {"tasks": {name: scores}}.

    >>> metric = IepileF1("ner")  # as evaluate.load gives it
    >>> gold = '[{"entity": "Ada", "entity_type": "person"}]'
    >>> metric.compute(predictions=['{"person": ["Ada"]}'], references=[gold])["f1"]
    1.0
    """

    def __init__(self, config_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(config_name and config_name.lower(), **kwargs)

    def compute(self, **columns: Any) -> Any:
        """See `evaluate.Metric`.

        Raises:
            ValueError: A table where one of its columns is asked.
        """
        for name, column in columns.items():
            table = getattr(column, "column_names", getattr(column, "columns", None))
            if table is not None:
                raise ValueError(f"{name} is a table with the columns {', '.join(map(str, table))}: give one of them")
        return super().compute(**columns)

    def _info(self) -> evaluate.MetricInfo:
        if self.config_name != "default" and self.config_name not in TASKS:
            known = ", ".join(TASKS)
            raise ValueError(f"unknown configuration {self.config_name!r}: choose one of {known}")
        return evaluate.MetricInfo(
            description=str(IepileF1.__doc__).partition("\n\n    Args")[0],
            citation=_CITATION,
            inputs_description=str(IepileF1.__doc__),
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(
        self,
        predictions: list[str],
        references: list[str],
        ids: list[str] | None = None,
        sources: list[str] | None = None,
        tasks: list[str] | str | None = None,
        instructions: list[str] | None = None,
        match: str = "exact",
        count: str = "multiset",
        parse: str = "lenient",
    ) -> dict:
        rows = len(predictions)
        if self.config_name != "default":
            if tasks is not None:
                raise ValueError(f"the metric was loaded for {self.config_name!r}: leave `tasks` out")
            tasks = self.config_name
        elif tasks is None:
            raise ValueError("give tasks=…, or name the task: evaluate.load('iepile_f1', 'ner')")
        columns = {
            "ids": ids if ids is not None else [None] * rows,
            "sources": sources if sources is not None else [""] * rows,
            "tasks": [tasks] * rows if isinstance(tasks, str) else tasks,
            "instructions": instructions if instructions is not None else [None] * rows,
        }
        for name, column in columns.items():
            if len(column) != rows:
                raise ValueError(f"{name} has {len(column)} entries for {rows} predictions")
        names = ("output", "label", "id", "source", "task", "instruction")
        table = [dict(zip(names, row)) for row in zip(predictions, references, *columns.values(), strict=True)]
        return score_rows(table, match=match, count=count, parse=parse)
