"""Tasks of lighteval: `lighteval accelerate model_name=MODEL iepile:ner --custom-tasks iepile.harness.lighteval_tasks`.

The rows are those of `IEPILE_DATASET`, a folder that `iepile prepare` made or a Hub id; the embedded sample without it.
"""

import os
from typing import Any

from lighteval.metrics.metrics_corpus import CorpusLevelComputation
from lighteval.metrics.metrics_sample import SampleLevelComputation
from lighteval.metrics.utils.metric_utils import CorpusLevelMetric
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc, SamplingMethod

import iepile  # noqa: F401 - teaches `datasets` the name
from iepile_metric import TASKS, score

LONGEST = 256  # tokens of an answer, as `iepile predict` has it


class Answered(SampleLevelComputation):
    """A row with its answer; what it is worth is known once all of its record are there."""

    def compute(self, doc: Doc, model_response: ModelResponse, **_: Any) -> dict[str, Any]:
        """The row."""
        return {**(doc.specific or {}), "output": model_response.final_text[0]}


class MicroF1(CorpusLevelComputation):
    """Micro F1 over all records."""

    def compute_corpus(self, items: list[dict[str, Any]]) -> float:
        """F1 of answered rows."""
        return float(score(items)["f1"])


def asked(row: dict[str, Any], name: str) -> Doc:
    """A row as lighteval asks it."""
    specific = {key: value for key, value in row.items() if not key.startswith("__")}
    return Doc(query=row["instruction"], choices=[row["output"]], gold_index=0, specific=specific, task_name=name)


F1 = CorpusLevelMetric("f1", True, SamplingMethod.GENERATIVE, Answered(), MicroF1())
TASKS_TABLE = [
    LightevalTaskConfig(
        name=f"iepile:{config}",
        prompt_function=asked,
        hf_repo=os.environ.get("IEPILE_DATASET", "iepile"),
        hf_subset=config,
        metrics=[F1],
        evaluation_splits=["test"],
        few_shots_split="train",
        generation_size=LONGEST,
    )
    for config in TASKS
]
