"""Perfect answers to windowed rows miss exactly what was counted as lost, and state nothing else."""

import json
from collections import Counter

import pytest

from iepile_dataset.answers import UNFIT
from iepile_dataset.corpus.record_check import problems
from iepile_dataset.corpus.sources import choose_sources
from iepile_dataset.instructions.instructor import Instructor
from iepile_dataset.instructions.token_budget import TokenBudget
from iepile_dataset.options import Options
from iepile_dataset.schema import Schema
from iepile_dataset.tasks import TASKS
from iepile_metric import score

SOURCES = [("phee", "en"), ("crudeoilnews", "en"), ("fewfc", "zh")]


def records_of(source, most):
    """Records of a source that fit their schema."""
    annotation, found = TASKS[source.task].annotation, []
    for file in source.files.values():
        with open(file, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if record.get(annotation) and not any(problems(record, annotation, source.schema)):
                    found.append((record["text"], record[annotation]))
                if len(found) == most:
                    return found
    return found


def joined(records, size):
    """Documents made of several records each."""
    groups = [records[start : start + size] for start in range(0, len(records), size)]
    return [(" ".join(text for text, _ in group), [item for _, items in group for item in items]) for group in groups]


def missed(task, schema, language, records, limit, overlap=0):
    """(units that perfect answers lack, units that they have too many, those counted as lost, gold units, windows)"""
    options = Options(max_prompt_tokens=limit, tokenizer="letters", window_overlap=overlap)
    asker = TokenBudget(
        lambda piece: Instructor(TASKS[task], piece, language, False, options), TASKS[task], schema, options, len
    )
    rows = []
    for number, (text, items) in enumerate(records):
        try:
            parts = asker.parts(text, items)
        except UNFIT:
            continue
        for window, questions in parts:
            for asked, output in zip(questions.asked, questions.outputs):
                row = {"instruction": asker.instruction(asked, window), "output": output, "label": questions.label}
                rows.append({"id": str(number), "task": task, "source": "s", **row})
    scores, counts = score(rows, task), Counter()
    for measure in [f"{measure}_" for measure in ("event", "argument") if f"{measure}_tp" in scores] or [""]:
        counts.update({name: scores[measure + name] for name in ("tp", "fp", "fn")})
    return counts["fn"], counts["fp"], asker.lost, counts["tp"] + counts["fn"], asker.windows


@pytest.mark.parametrize(("name", "language"), SOURCES)
@pytest.mark.parametrize("task", ["ee", "eet", "eea"])
@pytest.mark.parametrize("size", [1, 6])
def test_recall_of_perfect_answers_over_windows_is_one_less_what_was_lost(corpus, task, name, language, size):
    (source,), _ = choose_sources([task], Options(language=language, source=name), str(corpus))
    records = joined(records_of(source, 240), size)
    asker = Instructor(TASKS[task], source.schema, language, False, Options())
    longest = max(map(len, asker.entries.values())) + (50 if task == "eea" else 0)  # EEA names triggers, too
    limit = len(asker.instruction("", "")) + longest + {"zh": 60, "en": 110}[language]
    for overlap in (0, 1):
        less, more, lost, gold, windows = missed(task, source.schema, language, records, limit, overlap)
        assert windows > (20 if size > 1 else 2)  # most single records are short
        assert gold > 100
        assert (less, more) == (lost, 0)


def test_a_unit_is_lost_once_whatever_the_number_of_windows():
    schema = Schema(relations=("meets",))
    text = "Ada1 was here. " + "Nothing happened for a long time. " * 20 + "Zed was there."
    items = [{"head": head, "relation": "meets", "tail": "Zed"} for head in ("Ada1", "Zed")]
    less, more, lost, gold, windows = missed("re", schema, "en", [(text, items)], 500)
    assert (less, more, lost, gold) == (1, 0, 1, 2)
    assert windows > 2


def test_a_relation_across_an_edge_is_asked_where_windows_overlap():
    schema = Schema(relations=("meets",))
    text = "Nothing happened for long. " * 4 + "Ada1 was here. Zed was there. " + "Nothing happened for long. " * 4
    items = [{"head": "Ada1", "relation": "meets", "tail": "Zed"}]
    outcomes = {}
    for overlap in (0, 1):
        outcomes[overlap] = [
            missed("re", schema, "en", [(text, items)], limit, overlap)[2] for limit in range(420, 560)
        ]
    assert sum(outcomes[0]) > 0
    assert sum(outcomes[1]) == 0
