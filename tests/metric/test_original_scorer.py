"""`compat="original"` gives the figures that the original scorer gives."""

import gzip
import json

import pytest

from iepile_metric.original_scorer import original_score

NAMES = ["ee_fewfc", "ee_phee", "eea_phee", "ner_crossner_politics", "ner_weibo", "re_cmeie", "re_conll04", "re_scierc"]
MODES = {"normal": "multiset", "set": "set"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_the_original_is_reproduced(reference, name, mode):
    expected = json.loads((reference / "scoring" / "expected.json").read_text())[name][mode]
    with gzip.open(reference / "scoring" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    scores = original_score(rows, rows[0]["task"], MODES[mode])
    assert scores.keys() == expected.keys()
    assert scores == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("mode", MODES)
def test_odd_shapes_count_as_the_original_counts_them(reference, mode):
    checked = 0
    for case in json.loads((reference / "scoring" / "odd_shapes.json").read_text()):
        expected = case["expected"][mode]
        if expected is None:  # it crashed
            continue
        scores = original_score(case["rows"], case["task"], MODES[mode])
        assert scores == pytest.approx(expected, abs=0.01), case["name"]
        checked += 1
    assert checked > 10


def test_types_of_spo_are_those_of_the_row_s_schema():
    entry = {"subject_type": "city", "predicate": "in", "object_type": "state"}
    row = {
        "instruction": json.dumps({"schema": [entry], "input": "Ulm"}),
        "output": '{"in": [{"subject": "Ulm", "object": "Bavaria"}]}',
        "label": json.dumps(
            [{"head": "Ulm", "head_type": "city", "relation": "in", "tail": "Bavaria", "tail_type": "state"}]
        ),
    }
    assert original_score([row], "spo")["f1"] == 100
    other = json.dumps({"schema": [{**entry, "subject_type": "river"}], "input": "Ulm"})
    assert original_score([{**row, "instruction": other}], "spo")["f1"] == 0


def test_f1_comes_from_rounded_parts_and_identical_texts_are_one_record():
    label = '[{"entity": "Ada", "entity_type": "person"}]'
    row = {"instruction": '{"input": "Ada"}', "label": label, "output": '{"person": ["Ada"]}'}
    # Two perfect answers to the same text: 2 predicted, 1 gold, 1 shared → P 50, R 100, F1 66.67.
    scores = original_score([row, row], "ner")
    assert (scores["records"], scores["precision"], scores["recall"], scores["f1"]) == (1, 50.0, 100.0, 66.67)


def test_what_the_original_cannot_score_is_refused_by_name():
    with pytest.raises(ValueError, match="no usable score for 'kg'"):
        original_score([], "kg")
