"""Gold annotations, turned into answers, score exactly 1.0: every task, source, split and record."""

import json

import pytest

from iepile_metric import Accumulator, score

# Task → the folder of the corpus tree that serves it, and the key of a record's annotation.
FOLDERS = {
    "ner": ("NER", "entity"),
    "re": ("RE", "relation"),
    "spo": ("RE", "relation"),
    "kg": ("RE", "relation"),
    "ee": ("EE", "event"),
    "eet": ("EE", "event"),
    "eea": ("EE", "event"),
}


def _grouped(pairs):
    """Pairs → {label: [value]}, each value once, in order."""
    grouped = {}
    for label, value in pairs:
        values = grouped.setdefault(label, [])
        if value not in values:
            values.append(value)
    return grouped


def _roles(event, asked):
    roles = dict.fromkeys(asked, "NAN")
    for argument in event["arguments"]:
        had = roles.get(argument["role"], "NAN")
        if had == "NAN":
            roles[argument["role"]] = argument["argument"]
        else:
            roles[argument["role"]] = [*(had if isinstance(had, list) else [had]), argument["argument"]]
    return roles


def gold_answer(task, annotation):
    """The answer that a perfect model gives, written independently of the package."""
    roles = sorted({a["role"] for e in annotation for a in e["arguments"]}) if task in ("ee", "eea") else []
    if task == "ner":
        return _grouped((e["entity_type"], e["entity"]) for e in annotation)
    if task in ("re", "spo"):
        return _grouped((r["relation"], {"subject": r["head"], "object": r["tail"]}) for r in annotation)
    if task == "kg":
        graph = {}
        for r in annotation:
            attributes = graph.setdefault(r["head_type"], {}).setdefault(r["head"], {})
            values = attributes.setdefault(r["relation"], [])
            if r["tail"] not in values:
                values.append(r["tail"])
        return graph
    if task == "eet":
        return _grouped((e["event_type"], e["event_trigger"] or "NAN") for e in annotation)
    if task == "ee":
        return _grouped(
            (e["event_type"], {"trigger": e["event_trigger"] or "NAN", "arguments": _roles(e, roles)})
            for e in annotation
        )
    return _grouped((e["event_type"], _roles(e, roles)) for e in annotation)


def batches(answer, size=2):
    labels = list(answer)
    for start in range(0, max(1, len(labels)), size):
        yield {label: answer[label] for label in labels[start : start + size]}


def oracle_rows(corpus, task, most):
    folder, key = FOLDERS[task]
    for file in sorted(corpus.glob(f"*/{folder}/*/*.json")):
        if file.name not in ("train.json", "dev.json", "test.json"):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()[:most]):
            annotation = json.loads(line)[key]
            if task == "kg" and not all(r.get("head_type") for r in annotation):
                continue
            for batch in batches(gold_answer(task, annotation)):
                yield {
                    "id": f"{file.parent.name}/{file.stem}:{number}",
                    "task": task.upper(),
                    "source": file.parent.name,
                    "output": json.dumps(batch, ensure_ascii=False),
                    "label": json.dumps(annotation, ensure_ascii=False),
                }


def perfect(rows, **options):
    """Score rows → the result, after making sure that every record and every figure is perfect."""
    imperfect = []

    def watch(record, outcomes):
        if any(extra or missed for _, extra, missed in outcomes):
            imperfect.append((record.id, outcomes))

    result = Accumulator(watch=watch, streamed=True, **options).extend(rows).result()
    assert imperfect == []
    for figures in (result, *result["sources"].values()):
        assert {value for key, value in figures.items() if "f1" in key} == {1.0}
    assert result["unparseable"] == result["recovered"] == result["conflicting_labels"] == 0
    return result


@pytest.mark.slow
@pytest.mark.parametrize("task", FOLDERS)
def test_gold_turned_into_answers_scores_exactly_one_on_every_real_record(corpus, task):
    assert perfect(oracle_rows(corpus, task, None))["tp"] > 1000


@pytest.mark.parametrize("task", FOLDERS)
@pytest.mark.parametrize(
    "options", [{"count": "set"}, {"match": "normalised"}, {"match": "overlap", "parse": "strict"}], ids=str
)
def test_gold_scores_exactly_one_by_every_definition(corpus, task, options):
    assert perfect(oracle_rows(corpus, task, 300), **options)["tp"] > 500


@pytest.mark.slow
@pytest.mark.parametrize("task", ["ner", "re", "ee", "eet", "eea"])
@pytest.mark.parametrize("real", [False, True], ids=["sample", "corpus"])
def test_the_outputs_that_the_dataset_teaches_score_exactly_one(request, task, real):
    """Every config, split and source, the embedded sample and the real ones."""
    from datasets import load_dataset

    pytest.importorskip("iepile")
    where = {"data_dir": str(request.getfixturevalue("corpus"))} if real else {}
    for split, rows in load_dataset("iepile", task, streaming=True, **where).items():
        result = perfect(dict(zip(batch, values)) for batch in rows.iter(1000) for values in zip(*batch.values()))
        assert result["rows"] > 10, split


@pytest.mark.parametrize(
    ("task", "annotation"),
    [
        ("ner", []),
        ("ner", [{"entity": "Ada", "entity_type": "person"}] * 3),
        ("re", [{"head": "Ada", "relation": "knows", "tail": "Ada"}] * 2),
        ("kg", [{"head": "Ada", "head_type": "person", "relation": "born", "tail": "1815"}] * 2),
        # no trigger; no arguments; twice the same event; one argument in two roles, twice in one role
        ("ee", [{"event_type": "attack", "event_trigger": "", "arguments": []}] * 2),
        ("eet", [{"event_type": "attack", "event_trigger": "", "arguments": []}]),
        ("eea", [{"event_type": "attack", "event_trigger": "hit", "arguments": []}]),
        (
            "ee",
            [
                {
                    "event_type": "attack",
                    "event_trigger": "hit",
                    "arguments": [
                        {"role": "agent", "argument": "Ada"},
                        {"role": "target", "argument": "Ada"},
                        {"role": "agent", "argument": "Ada"},
                    ],
                }
            ]
            * 2,
        ),
    ],
)
def test_awkward_gold_scores_exactly_one_too(task, annotation):
    row = {"output": json.dumps(gold_answer(task, annotation)), "label": json.dumps(annotation)}
    result = score([row], task=task)
    assert {value for key, value in result.items() if "f1" in key} == {1.0}
    assert (result["fp"], result["fn"], result["recovered"]) == (0, 0, 0)


def test_an_answer_may_stand_as_the_reference():
    answer = '{"attack": [{"trigger": "hit", "arguments": {"agent": ["Ada", "Bob"], "place": "NAN"}}], "sue": []}'
    result = score([{"output": answer, "label": answer}], task="ee")
    # 1 event unit, 2 argument units
    assert (result["event_tp"], result["argument_tp"], result["f1"]) == (1, 2, 1.0)
