"""Right answers in whatever manner they are written: read exactly, or refused where nothing else is honest."""

import json
from collections import Counter

import pytest

from iepile_dataset.corpus.shards import make_shards
from iepile_dataset.corpus.sources import SPLITS, find_sources, sample_corpus
from iepile_dataset.instructions.tables import tables
from iepile_dataset.options import Options
from iepile_dataset.tasks import TASKS as QUESTIONS
from iepile_metric import TASKS
from iepile_metric.parse_answer import Unparseable, read_answer

from .manners import MANNERS, UNREADABLE

MADE_UP = {  # no corpus at hand has typed relations
    "spo": [
        (
            [
                {"subject_type": "person", "predicate": "born in", "object_type": "city"},
                {"subject_type": "person", "predicate": "works for", "object_type": "firm"},
            ],
            {
                "born in": [{"subject": "Ada", "object": "London"}, {"subject": "O'Neill", "object": "Ulm"}],
                "works for": [],
            },
        ),
        (
            [{"subject_type": "人物", "predicate": "出生地", "object_type": "地点"}],
            {"出生地": [{"subject": "张三", "object": "“北京”"}]},
        ),
    ],
    "kg": [
        (
            [{"entity_type": "person", "attributes": ["born in", "field"]}],
            {"person": {"Ada": {"born in": "London", "field": ["maths", "computing"]}, "Bo": {"born in": "Ulm"}}},
        ),
        ([{"entity_type": "地点", "attributes": ["位于"]}], {"地点": {"北京": {"位于": "中国"}}}),
        ([{"entity_type": "city", "attributes": ["in"]}], {"city": {}}),
    ],
}


def rows(folder, task, every):
    if task in MADE_UP:
        return [({"instruction": "-", "schema": schema, "input": "-"}, answer) for schema, answer in MADE_UP[task]]
    sources = find_sources(QUESTIONS[task], Options(), str(folder))[0]
    shards = [shard for split in SPLITS for shard in make_shards(sources, split)]
    generated = [
        (json.loads(row["instruction"]), json.loads(row["output"]))
        for shard in shards
        for table in tables(shard, Options(), Counter(), lambda problem: None)
        for row in table.to_pylist()
    ]
    return generated[::every]


def measured(units):
    return [Counter(measure) for measure in units]


def outcomes(folder, task, every):
    """Manner → how often its answers were read exactly, refused, or neither."""
    counts = {manner: Counter() for manner in MANNERS}
    for question, answer in rows(folder, task, every):
        units, _ = read_answer(TASKS[task], json.dumps(answer, ensure_ascii=False))
        for manner, written in MANNERS.items():
            text = written(answer, question, task)
            if text is None:
                continue
            try:
                read, _ = read_answer(TASKS[task], text, instruction=json.dumps(question))
            except Unparseable:
                counts[manner]["refused"] += 1
                continue
            counts[manner]["exact" if measured(read) == measured(units) else "wrong"] += 1
    return counts


def check(counts):
    for manner, count in counts.items():
        assert not count["wrong"], manner
        if manner in UNREADABLE:
            assert not count["exact"], manner
        elif count:
            assert count["exact"] >= 0.99 * count.total(), (manner, count)


@pytest.mark.parametrize("task", TASKS)
def test_gold_of_the_sample_in_every_manner_is_read_exactly_or_refused(task):
    counts = outcomes(sample_corpus(), task, 9)
    assert sum(map(bool, counts.values())) > 35
    check(counts)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["ner", "re", "ee", "eet", "eea"])
def test_gold_of_real_corpora_in_every_manner_is_read_exactly_or_refused(corpus, task):
    check(outcomes(corpus, task, 2_000))
