"""Tasks of Inspect (https://inspect.aisi.org.uk): `inspect eval iepile/extraction -T config=ner --model MODEL`."""

from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import TaskState, generate

from iepile_metric import score

MEASURES = ("f1", "precision", "recall")


@task
def extraction(config: str = "ner", dataset: str = "iepile", split: str = "test", data_dir: str | None = None) -> Task:
    """Rows of a configuration, each answered in one turn.

    Args:
        config: A task, such as `ner`, `re` or `ee`.
        dataset: `iepile`, a folder that `iepile prepare` made, or a Hub id.
        split: Which rows.
        data_dir: A corpus tree, for `iepile`; the embedded sample where left out.
    """
    from datasets import load_dataset

    import iepile  # noqa: F401 - teaches `datasets` the name

    options = {"data_dir": data_dir} if data_dir else {}
    rows = load_dataset(dataset, config, split=split, **options)
    samples = [Sample(row["instruction"], target=row["output"], metadata=row) for row in rows]
    return Task(MemoryDataset(samples, name=f"{dataset}/{config}"), solver=generate(), scorer=units())


@metric
def micro() -> Metric:
    """F1, precision and recall over all records."""

    def measured(scores: list[SampleScore]) -> dict[str, float]:
        result = score([one.score.metadata or {} for one in scores])
        return {name: result[name] for name in MEASURES}

    return measured


@scorer(metrics=[micro()])
def units() -> Scorer:
    """The F1 of each row by itself; all of them together are judged by `micro`."""

    async def judged(state: TaskState, target: Target) -> Score:
        row: dict[str, Any] = {**state.metadata, "output": state.output.completion}
        return Score(value=score([row])["f1"], answer=row["output"], metadata=row)

    return judged
