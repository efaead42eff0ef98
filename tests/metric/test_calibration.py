import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from iepile.cli import app
from iepile_metric import Accumulator, score
from iepile_metric.calibration import Calibration
from iepile_metric.parse_answer import read_answer
from iepile_metric.tasks import TASKS


def row(output, gold, confidence, **more):
    label = json.dumps([{"entity": name, "entity_type": kind} for kind, name in gold])
    return {"output": json.dumps(output), "label": label, "confidence": confidence, "task": "NER", **more}


def table(rows, measure="entity", task="ner", **options):
    watch = Calibration(**{name: options[name] for name in ("match",) if name in options})
    Accumulator(task, watch=watch, **options).extend(rows).result()
    return watch.summary()[task]["measures"][measure]


def test_bins_tell_how_often_units_of_a_confidence_are_right():
    gold = [("city", "Ulm"), ("city", "Bonn"), ("city", "Kiel")]
    rows = [row({"city": ["Ulm", "Bonn", "Rome", "Oslo"]}, gold, {"entity": [0.95, 0.85, 0.84, 0.12]})]
    found = table(rows)
    # Ulm 0.95 right; Bonn 0.85 right and Rome 0.84 wrong share a bin; Oslo 0.12 wrong.
    assert [(line["low"], line["units"], line["precision"]) for line in found["bins"]] == [
        (0.1, 1, 0.0), (0.8, 2, 0.5), (0.9, 1, 1.0)
    ]  # fmt: skip
    assert found["bins"][1]["confidence"] == pytest.approx(0.845)
    # ECE: (|0.12 - 0| + 2 |0.845 - 0.5| + |0.95 - 1|) / 4
    assert found["ece"] == pytest.approx((0.12 + 2 * 0.345 + 0.05) / 4)
    # Brier: (0.05² + 0.15² + 0.84² + 0.12²) / 4
    assert found["brier"] == pytest.approx((0.0025 + 0.0225 + 0.7056 + 0.0144) / 4)


def test_cuts_tell_what_leaving_out_unsure_units_brings_and_costs():
    gold = [("city", "Ulm"), ("city", "Bonn"), ("city", "Kiel")]
    rows = [row({"city": ["Ulm", "Bonn", "Rome", "Oslo"]}, gold, {"entity": [0.95, 0.65, 0.75, 0.12]})]
    cuts = {line["min_confidence"]: line for line in table(rows)["cuts"]}
    # All: tp 2, fp 2, fn 1. From 0.7: Ulm right, Rome wrong; Bonn and Kiel missed. From 0.9: Ulm alone.
    assert [cuts[0.0][name] for name in ("precision", "recall", "f1", "kept")] == [0.5, 2 / 3, 4 / 7, 4]
    assert [cuts[0.7][name] for name in ("precision", "recall", "f1", "kept")] == [0.5, 1 / 3, 2 / 5, 2]
    assert [cuts[0.9][name] for name in ("precision", "recall", "f1", "kept")] == [1.0, 1 / 3, 1 / 2, 1]
    assert cuts[0.0]["f1"] == score(rows)["f1"]


def test_a_unit_of_two_batches_counts_once_with_its_greater_confidence():
    gold = [("city", "Ulm")]
    rows = [
        row({"city": ["Ulm"]}, gold, {"entity": [0.35]}, id="a"),
        row({"city": ["Ulm"]}, gold, {"entity": [0.75]}, id="a"),
    ]
    found = table(rows)
    assert [(line["low"], line["units"]) for line in found["bins"]] == [(0.7, 1)]


def test_of_repeated_units_the_surest_is_the_hit():
    rows = [row({"city": ["Ulm", "Ulm"]}, [("city", "Ulm")], {"entity": [0.25, 0.95]})]
    # Annotated once, predicted twice: one hit, one too many.
    assert [(line["low"], line["precision"]) for line in table(rows)["bins"]] == [(0.2, 0.0), (0.9, 1.0)]


def test_a_null_and_a_row_without_confidences_are_in_no_bin_and_stay_at_every_cut():
    gold = [("city", "Ulm"), ("city", "Bonn")]
    rows = [
        row({"city": ["Ulm", "Bonn"]}, gold, {"entity": [None, 0.55]}, id="a"),
        {**row({"city": ["Ulm"]}, gold, None, id="a"), "confidence": None},
    ]
    found = table(rows)
    assert (found["units"], found["known"]) == (2, 1)
    assert found["cuts"][-1]["kept"] == 1  # Ulm, whose confidence is unknown


@pytest.mark.parametrize(
    "confidence",
    [{"entity": [0.5]}, {"entity": [0.5, 1.5]}, {"entity": [0.5, "high"]}, {"entity": 0.5}, [0.5, 0.5], "x"],
)
def test_confidences_that_do_not_fit_their_answer_are_counted_and_left_out(confidence):
    watch = Calibration()
    rows = [row({"city": ["Ulm", "Bonn"]}, [("city", "Ulm")], confidence)]
    Accumulator("ner", watch=watch).extend(rows).result()
    assert watch.summary() == {"ner": {"misaligned": 1, "measures": {}}}


def test_an_answer_that_cannot_be_read_has_no_confidence_to_judge():
    watch = Calibration()
    Accumulator("ner", watch=watch).extend([{**row({}, [("city", "Ulm")], {"entity": []}), "output": "?"}]).result()
    assert watch.summary() == {}


def test_events_have_a_table_for_each_measure():
    answer = {"sale": [{"trigger": "sold", "arguments": {"seller": "Ann", "buyer": ["Bo", "Cy"]}}]}
    event = {"event_trigger": "sold", "event_type": "sale", "arguments": [{"argument": "Ann", "role": "seller"}]}
    units, _ = read_answer(TASKS["ee"], json.dumps(answer))
    assert [len(part) for part in units] == [1, 3]
    rows = [{"output": json.dumps(answer), "label": json.dumps([event]),
             "confidence": {"event": [0.95], "argument": [0.95, 0.35, 0.35]}}]  # fmt: skip
    assert [(line["low"], line["precision"]) for line in table(rows, "event", "ee")["bins"]] == [(0.9, 1.0)]
    assert [(line["low"], line["precision"]) for line in table(rows, "argument", "ee")["bins"]] == [
        (0.3, 0.0),
        (0.9, 1.0),
    ]


def test_normalised_units_find_their_confidence():
    rows = [row({"city": ["ULM"]}, [("city", "Ulm")], {"entity": [0.75]})]
    assert [(line["low"], line["precision"]) for line in table(rows, match="normalised")["bins"]] == [(0.7, 1.0)]


names = st.sampled_from("ABCD")
units = st.lists(st.tuples(names, st.one_of(st.none(), st.floats(0, 1))), max_size=6)


@given(st.lists(st.tuples(units, st.lists(names, max_size=4)), min_size=1, max_size=5))
def test_without_a_cut_the_scores_are_those_of_the_metric(drawn):
    rows = [
        row(
            {"x": [name for name, _ in predicted]},
            [("x", name) for name in gold],
            {"entity": [c for _, c in predicted]},
        )
        for predicted, gold in drawn
    ]
    expected, found = score(rows), table(rows)
    assert found["cuts"][0]["f1"] == expected["f1"]
    assert found["units"] == expected["tp"] + expected["fp"]
    assert sum(line["units"] for line in found["bins"]) == found["known"]


def test_the_command_shows_the_table_where_rows_carry_confidences(tmp_path):
    file = tmp_path / "answers.jsonl"
    rows = [row({"city": ["Ulm", "Rome"]}, [("city", "Ulm")], {"entity": [0.95, 0.25]}, id=str(at)) for at in range(3)]
    file.write_text("".join(json.dumps(each) + "\n" for each in rows))
    done = CliRunner().invoke(app, ["score", str(file), "--json"])
    found = json.loads(done.stdout)["calibration"]["ner"]["measures"]["entity"]
    assert (found["known"], found["precision"]) == (6, 0.5)
    done = CliRunner().invoke(app, ["score", str(file), "--errors"])
    assert done.exit_code == 0, done.output
    assert "6 of 6 entity units" in done.stdout
    assert "0.9 to 1.0" in done.stdout
    assert "--min-confidence" in done.stdout
    file.write_text(json.dumps({**rows[0], "confidence": None}).replace('"confidence": null, ', "") + "\n")
    assert "calibration" not in json.loads(CliRunner().invoke(app, ["score", str(file), "--json"]).stdout)
    file.write_text(json.dumps({**rows[0], "confidence": [2]}) + "\n")
    done = CliRunner().invoke(app, ["score", str(file)])
    assert "ner: 1 rows have confidences that do not fit their answer" in done.stderr
