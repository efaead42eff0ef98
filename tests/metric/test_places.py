"""Scoring by place: each occurrence of a mention counts by its start and end."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile_metric import score, score_file
from iepile_metric.report import examine
from iepile_metric.row_layout import as_ours

TEXT = "Ulm and Neu-Ulm: Ada left Ulm."


def city(start, text=TEXT, mention="Ulm"):
    assert text[start : start + len(mention)] == mention
    return {"entity": mention, "entity_type": "city", "start": start, "end": start + len(mention)}


def row(gold, output, text=TEXT, **more):
    asked = json.dumps({"schema": ["city", "town"], "input": text}, ensure_ascii=False)
    label, output = (json.dumps(value, ensure_ascii=False) for value in (gold, output))
    return {"instruction": asked, "label": label, "output": output, **more}


def counts(rows, task="ner", **options):
    scores = score(rows if isinstance(rows, list) else [rows], task, match="span", **options)
    return scores["tp"], scores["fp"], scores["fn"]


def test_an_answer_without_places_stands_for_every_place_of_its_mention():
    # Ulm stands at 0, 12 and 26; two are annotated, so the third is too much
    assert counts(row([city(0), city(26)], {"city": ["Ulm"]})) == (2, 1, 0)
    assert counts(row([city(0), city(26)], {"city": ["Ulm", "Ulm"]})) == (2, 1, 0)
    assert counts(row([city(0), city(0)], {"city": ["Ulm"]})) == (1, 2, 0)
    assert counts(row([city(0)], {"city": ["Bonn"]})) == (0, 1, 1)
    assert counts(row([], {"city": []})) == (0, 0, 0)


def test_whole_words_are_taken_first_and_chinese_has_no_borders():
    text = "An answer to Ann"
    assert counts(row([city(13, text, "Ann")], {"city": ["Ann"]}, text)) == (1, 0, 0)
    assert counts(row([city(0, text, "An")], {"city": ["An"]}, text)) == (1, 0, 0)
    text = "北京大学在北京"
    assert counts(row([city(5, text, "北京")], {"city": ["北京"]}, text)) == (1, 1, 0)


def test_batches_of_a_record_name_a_place_once():
    rows = [row([city(0)], {"city": ["Ulm"]}, id="a"), row([city(0)], {"city": ["Ulm"], "town": []}, id="a")]
    assert counts(rows) == (1, 2, 0)


def test_a_relation_has_the_two_places_nearest_to_each_other():
    text = "Ada. Bo and Ada wed."
    gold = {
        "head": "Ada",
        "relation": "wed",
        "tail": "Bo",
        "head_start": 12,
        "head_end": 15,
        "tail_start": 5,
        "tail_end": 7,
    }
    answer = {"wed": [{"subject": "Ada", "object": "Bo"}]}
    assert counts(row([gold], answer, text), "re") == (0, 1, 1)  # the first Ada is nearer: 2 characters, not 5
    gold |= {"head_start": 0, "head_end": 3}
    assert counts(row([gold], answer, text), "re") == (1, 0, 0)


def test_events_count_triggers_and_arguments_by_place_and_need_no_trigger_word():
    text = "Ada sued, Bo sued."
    event = {"event_type": "suit", "event_trigger": "sued", "start": 4, "end": 8}
    who = {"role": "who", "argument": "Ada", "start": 0, "end": 3}
    answer = {"suit": [{"trigger": "sued", "arguments": {"who": "Ada"}}]}
    scores = score([row([{**event, "arguments": [who]}], answer, text)], "ee", match="span")
    assert (scores["event_tp"], scores["event_fp"], scores["event_fn"]) == (1, 1, 0)
    assert (scores["argument_tp"], scores["argument_fp"], scores["argument_fn"]) == (1, 0, 0)
    bare = {"event_type": "suit", "event_trigger": "NAN", "arguments": [who]}
    nothing = {"suit": [{"trigger": "NAN", "arguments": {"who": "Ada"}}]}
    assert score([row([bare], nothing, text)], "ee", match="span")["event_tp"] == 1
    assert counts(row([{**event, "arguments": [{"role": "who", "argument": "Bo"}]}], {"suit": ["sued"]}, text), "eet") == (
        1, 1, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": '[{"entity": "Ulm", "entity_type": "city"}]'}, "'Ulm' has no start and end"),
        ({"label": '{"city": ["Ulm"]}'}, "has no start and end"),
        ({"label": '[{"entity": "Ulm", "entity_type": "city", "start": 1, "end": 4}]'}, "has 'lm ' where"),
        ({"instruction": '{"input": "and Neu-Ulm"}'}, "no windows"),
        ({"instruction": None}, "no instruction with its input text"),
    ],
)
def test_rows_that_cannot_be_placed_are_refused_with_the_remedy(tmp_path, change, words):
    bad, good = {**row([city(0)], {"city": ["Ulm"]}), **change}, row([city(0)], {"city": []})
    with pytest.raises(ValueError, match="row 0") as refused:
        score([bad], "ner", match="span")
    assert words in str(refused.value)
    path = tmp_path / "answers.jsonl"
    path.write_text(f"{json.dumps(bad)}\n{json.dumps(good)}\n")
    scores, lines = score_file(path, "ner", match="span")
    assert (scores["fn"], scores["records"]) == (1, 1)
    assert [line.line for line in lines] == [1]
    assert score([bad], "ner")["records"] == 1  # as ever, where places are not asked for


def test_a_file_without_any_place_has_no_score_though_nothing_occurs_in_some_texts(tmp_path):
    path = tmp_path / "answers.jsonl"
    bare = {"entity": "Ulm", "entity_type": "city"}
    path.write_text("".join(json.dumps(row(gold, {})) + "\n" for gold in ([], [bare], [])))
    with pytest.raises(ValueError, match=r"no place \(start, end\) in the gold.*answers.jsonl:2"):
        score_file(path, "ner", match="span")


def test_extractions_have_the_places_that_they_state(tmp_path):
    found = [{"label": "city", "text": "Ulm", "start": 26, "end": 29, "confidence": 0.5}]
    line = {"text": TEXT, "task": "ner", "language": "en", "extractions": found, "entity": [city(0), city(26)]}
    path = tmp_path / "found.jsonl"
    path.write_text(json.dumps(line) + "\n")
    scores, bad = score_file(path, match="span")
    assert (scores["tp"], scores["fp"], scores["fn"], bad) == (1, 0, 1, [])
    scores, _ = score_file(path)  # by their texts
    assert (scores["tp"], scores["fp"], scores["fn"]) == (1, 0, 0)


def test_extractions_of_an_answer_that_could_not_be_read_are_unparseable():
    line = {"text": TEXT, "task": "ner", "extractions": [], "entity": [city(0)], "error": "the answer cannot be read"}
    scores = score([as_ours(line)], match="span")
    assert (scores["unparseable"], scores["fn"]) == (1, 1)


@pytest.mark.parametrize(
    ("task", "found", "output"),
    [
        ("re", {"label": "wed", "head": {"text": "Ada", "label": "", "start": 0, "end": 3},
                "tail": {"text": "Bo", "label": "", "start": 8, "end": 10}}, {"wed": [{"subject": "Ada", "object": "Bo"}]}),
        ("kg", {"label": "wed", "head": {"text": "Ada", "label": "person", "start": 0, "end": 3},
                "tail": {"text": "Bo", "label": "", "start": 8, "end": 10}}, {"person": {"Ada": {"wed": ["Bo"]}}}),
        ("ee", {"label": "wedding", "trigger": {"label": "", "text": "wed", "start": 4, "end": 7},
                "arguments": [{"label": "who", "text": "Ada", "start": 0, "end": 3}]},
         {"wedding": [{"trigger": "wed", "arguments": {"who": ["Ada"]}}]}),
        ("eet", {"label": "wedding", "trigger": {"label": "", "text": "wed", "start": 4, "end": 7}, "arguments": []},
         {"wedding": ["wed"]}),
        ("eea", {"label": "wedding", "trigger": None, "arguments": [{"label": "who", "text": "Ada", "start": 0, "end": 3}]},
         {"wedding": [{"who": ["Ada"]}]}),
    ],
)  # fmt: skip
def test_extractions_of_every_task_are_answers_in_its_shape_and_score_as_their_own_gold(task, found, output):
    line = {"text": "Ada wed Bo.", "task": task, "extractions": [found], "label": "[]"}
    row = as_ours(line)
    assert json.loads(row["output"]) == output
    gold = {**line, "label": row["annotated"]}
    for match in ("exact", "span"):
        assert score([as_ours(gold)], match=match)["f1"] == 1.0


def test_errors_are_named_by_place(tmp_path):
    gold = [city(0), {**city(8, mention="Neu-Ulm"), "entity_type": "town"}]
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({**row(gold, {"city": ["Ulm"], "town": ["Ulm", "Bonn"]}), "task": "ner"}) + "\n")
    kinds = examine(path, errors=True, match="span").figures["errors"]["ner"]["entity"]["kinds"]
    # Ulm stands at three places, under each label; one is right, the town's at 12 touches Neu-Ulm (both a false positive
    # and a false negative), Bonn is nowhere.
    assert {kind: tally["count"] for kind, tally in kinds.items()} == {
        "wrong boundary": 2, "not in the text": 1, "spurious": 4,
    }  # fmt: skip


def test_evaluate_takes_it_with_the_instructions():
    metric = pytest.importorskip("iepile_metric.iepile_f1").IepileF1("ner")
    asked = row([city(0)], {"city": ["Ulm"]})
    columns = {"predictions": [asked["output"]], "references": [asked["label"]]}
    found = metric.compute(**columns, instructions=[asked["instruction"]], match="span")
    assert (found["tp"], found["fp"]) == (1, 2)
    with pytest.raises(ValueError, match="no instruction"):
        metric.compute(**columns, match="span")


@given(st.lists(st.sampled_from(["Ada", "Bo", "and", "安妮"]), min_size=1, max_size=8))
def test_gold_with_all_its_places_scores_one(words):
    text = " ".join(words)
    gold, start = [], 0
    for word in words:
        gold.append(city(start, text, word))
        start += len(word) + 1
    assert score([row(gold, {"city": sorted(set(words))}, text)], "ner", match="span")["f1"] == 1.0
