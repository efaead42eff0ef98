import gzip
import json
from statistics import stdev

import pytest
from typer.testing import CliRunner

from iepile.cli import app
from iepile_metric import compare, score
from iepile_metric.files import rows_of
from iepile_metric.report import examine
from iepile_metric.robustness import fields_in, score_ways

GOLD = '[{"entity": "Ulm", "entity_type": "city"}, {"entity": "Ann", "entity_type": "person"}]'


def row(record, output, source="towns", **way):
    return {
        "id": f"en/NER/{source}/test:{record}",
        "task": "NER",
        "source": source,
        "label": GOLD,
        "output": output,
        **way,
    }


@pytest.fixture
def answers(tmp_path):
    """Two records under three orders: 4, 2 and 3 of the 4 units are found, nothing else is said."""
    both, city, nobody = '{"city": ["Ulm"], "person": ["Ann"]}', '{"city": ["Ulm"]}', "{}"
    found = {0: (both, both), 1: (both, nobody), 2: (both, city)}
    file = tmp_path / "answers.jsonl"
    lines = [row(record, found[order][record], order=order) for record in (0, 1) for order in found]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


# F1 = 2 tp / (2 tp + fn), no fp: 4 of 4: 1; 2 of 4: 4/6; 3 of 4: 6/7.
F1 = [1.0, 2 / 3, 6 / 7]


def test_each_order_is_scored_by_itself_and_the_first_is_the_result(answers):
    first, spread, bad = score_ways(answers)
    assert bad == []
    assert (first["f1"], first["records"], first["rows"]) == (1.0, 2, 2)
    found = spread["ner"]
    assert [way["order"] for way in found["ways"]] == [0, 1, 2]
    assert [way["f1"] for way in found["ways"]] == pytest.approx(F1)
    assert found["f1"]["mean"] == pytest.approx(sum(F1) / 3)
    assert found["f1"]["sd"] == pytest.approx(stdev(F1))
    assert (found["f1"]["min"], found["f1"]["max"]) == pytest.approx((2 / 3, 1.0))
    assert found["sources"]["towns"] == found["f1"]


def test_orders_and_batch_sizes_together_are_as_many_ways(tmp_path):
    file = tmp_path / "a.jsonl"
    ways = [{"order": order, "split_num": size} for order in (0, 1) for size in (1, 4, 8)]
    file.write_text("".join(json.dumps(row(0, "{}", **way)) + "\n" for way in ways))
    _, spread, _ = score_ways(file)
    assert [(way["order"], way["split_num"]) for way in spread["ner"]["ways"]] == [
        (way["order"], way["split_num"]) for way in ways
    ]
    assert (spread["ner"]["f1"]["mean"], spread["ner"]["f1"]["sd"]) == (0.0, 0.0)


def test_batches_of_one_record_and_way_unite(tmp_path):
    file = tmp_path / "a.jsonl"
    halves = ['{"city": ["Ulm"]}', '{"person": ["Ann"]}']
    file.write_text("".join(json.dumps(row(0, half, split_num=1)) + "\n" for half in halves))
    first, spread, _ = score_ways(file)
    assert (first["f1"], first["rows"]) == (1.0, 2)
    assert spread["ner"]["f1"] == {"mean": 1.0, "sd": None, "min": 1.0, "max": 1.0}  # one way has no deviation


@pytest.mark.parametrize("shuffled", [False, True])
def test_batches_need_not_follow_each_other(tmp_path, shuffled):
    file = tmp_path / "a.jsonl"
    halves = ['{"city": ["Ulm"]}', '{"person": ["Ann"]}']
    rows = [row(record, half, order=order) for record in range(3) for order in (0, 1) for half in halves]
    if shuffled:
        rows.sort(key=lambda each: each["output"])  # all first halves, then all second ones
    file.write_text("".join(json.dumps(each) + "\n" for each in rows))
    first, spread, _ = score_ways(file)
    assert (first["f1"], first["records"], first["rows"]) == (1.0, 3, 6)
    assert spread["ner"]["f1"]["min"] == 1.0


def test_the_rows_of_a_file_with_several_ways_are_those_of_the_first(answers):
    rows, _ = rows_of(answers)
    assert {each["order"] for each in rows} == {0}
    assert score(rows)["f1"] == 1.0
    assert compare(rows, rows, resamples=100)["records"] == 2


def test_what_a_file_carries_is_found_without_reading_its_rows(tmp_path, answers):
    assert fields_in(answers) == {"order"}
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(row(0, "{}", split_num=4, confidence={})).encode()))
    assert fields_in(packed) == {"split_num", "confidence"}
    # Words in a text are none of its fields.
    answers.write_text(json.dumps(row(0, '{"order": []}')) + "\n")
    assert fields_in(answers) == set()
    answers.write_text("")
    assert fields_in(answers) == set()


def test_a_way_that_cannot_be_scored_and_a_line_that_is_none_are_named(answers):
    with answers.open("a") as file:
        file.write(json.dumps(row(0, "{}", order=[1])) + "\n{\n")
        file.write(json.dumps({**row(0, "{}", order=9), "label": ""}) + "\n")
    with pytest.raises(ValueError, match=r"answers\.jsonl: order 9: nothing to score"):
        score_ways(answers)
    lines = answers.read_text().splitlines()[:-1]
    answers.write_text("\n".join(lines) + "\n")
    _, spread, bad = score_ways(answers)
    assert len(spread["ner"]["ways"]) == 3
    assert [line.line for line in bad] == [7, 8]
    assert bad[0].reason.startswith("order or split_num is no number")


def test_the_command_reports_mean_and_deviation(answers, tmp_path):
    done = CliRunner().invoke(app, ["score", str(answers), "--json", "--resamples", "50"])
    found = json.loads(done.stdout)
    assert found["f1"] == 1.0
    assert found["spread"]["ner"]["f1"]["sd"] == pytest.approx(stdev(F1))
    assert found["intervals"]["ner"]["records"] == 2  # of the first order alone
    done = CliRunner().invoke(app, ["score", str(answers), "--table", str(tmp_path / "t.csv")])
    assert done.exit_code == 0, done.output
    assert f"F1 over 3 ways to ask: {sum(F1) / 3:.4f} ± {stdev(F1):.4f}" in done.stdout
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1 + 2


def test_a_field_that_comes_late_in_the_file_is_seen(tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = [row(record, "{}") for record in range(5)] + [row(0, "{}", order=1)]
    file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    assert len(examine(file).figures["spread"]["ner"]["ways"]) == 2
    file.write_text("".join(json.dumps(one) + "\n" for one in rows[:5]))
    assert "spread" not in examine(file).figures
