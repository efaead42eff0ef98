"""Training within a budget, on a random model: the path is the same, the figures mean nothing."""

import json
import time

import pytest
from typer.testing import CliRunner

from iepile.cli import app
from iepile_cards.check_card import check_card
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_both
from iepile_trainer.quickstart.real import train_and_held_out
from iepile_trainer.run_folder import read_run

NAMES = ("Ada", "Bo", "Cai", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jun")
PLACES = ("Rome", "Oslo", "Lima", "Kyoto", "Turin", "Accra", "Quito")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("homes")
    (folder / "schema.json").write_text('["person", "place"]\n[]\n{}\n')
    for split, count in (("train", 40), ("dev", 12), ("test", 12)):
        with (folder / f"{split}.json").open("w") as file:
            for number in range(count):
                name, place = f"{NAMES[number % 10]} {split.title()}", PLACES[number % 7]
                entities = [{"entity": name, "entity_type": "person"}, {"entity": place, "entity_type": "place"}]
                file.write(json.dumps({"text": f"{name} lives in {place}.", "entity": entities}) + "\n")
    return folder


@pytest.fixture(scope="module")
def printed(base, source, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "real"
    start = time.process_time()
    words = ["real", str(source), "--model", str(base / "llama"), "--minutes", "2", "--out", str(out)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, (result.output, result.exception)
    assert time.process_time() - start < 120
    return result.output, out


@pytest.mark.slow
def test_it_says_what_fits_before_it_trains_and_does_that(printed):
    output, out = printed
    assert "80 steps of 4 rows (40 of 40), then 12 of 12 test records" in " ".join(output.split())
    record = read_run(out)
    assert (record["options"]["max_steps"], record["method"]) == (80, "full")
    assert sum(entry["rows"] for entry in record["data"]) == 40


@pytest.mark.slow
def test_figures_before_and_after_have_intervals_and_stand_in_the_card(printed):
    output, out = printed
    scores = json.loads((out / "scores.json").read_text())
    assert list(scores) == ["before", "test", "test_extractive"]
    for split, name in (("before", "_before"), ("test", ""), ("test_extractive", "_extractive")):
        assert len((out / f"predictions{name}.jsonl").read_text().splitlines()) == 12
        low, high = scores[split]["ner"]["interval"]
        assert f"{low:.3f} to {high:.3f}" in output
        assert scores[split]["ner"]["records"] == 12
    assert list(check_card(out)) == []


@pytest.mark.slow
def test_when_to_say_nothing_is_fitted_on_the_validation_split(printed):
    output, out = printed
    bias = read_run(out)["open_bias"]
    assert f"calibrated on 24 lists of the validation split: open_bias {bias:g} nats" in " ".join(output.split())
    assert f"Lists open with a bias of {bias} nats" in (out / "README.md").read_text()


def test_without_a_validation_split_a_tenth_of_the_records_is_kept_from_training(source, tmp_path):
    whole = DataArguments(task=["ner"], data_dir=str(source))
    rows, held_out = train_and_held_out(whole)
    assert (len(rows), len(held_out), whole.val_set_size) == (40, 12, None)
    for name in ("schema.json", "train.json", "test.json"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    rows, held_out = train_and_held_out(data := DataArguments(task=["ner"], data_dir=str(tmp_path)))
    assert (len(rows), len(held_out)) == (36, 4)
    assert not {row["id"] for row in held_out} & set(rows["id"][:])
    assert load_both(data, evaluate=False).rows["id"][:] == rows["id"][:]


def test_of_relations_few_rows_without_an_answer_are_trained_on_where_a_split_calibrates(tmp_path):
    (tmp_path / "schema.json").write_text('[]\n["lives in"]\n{}\n')
    for split in ("train", "dev"):
        with (tmp_path / f"{split}.json").open("w") as file:
            for number in range(40):  # of every two sentences one says nothing
                found = [{"head": "Ada", "relation": "lives in", "tail": "Ulm"}] if number % 2 else []
                file.write(json.dumps({"text": f"{number}: Ada, Ulm.", "relation": found}) + "\n")

    def empty(rows):
        return sum(not json.loads(row["output"])["lives in"] for row in rows)

    rows, held_out = train_and_held_out(data := DataArguments(task=["re"], data_dir=str(tmp_path)))
    assert (len(rows), len(held_out), empty(held_out)) == (20 + empty(rows), 40, 20)
    assert 0 < empty(rows) <= 2  # a tenth of 22
    assert load_both(data, evaluate=False).rows["id"][:] == rows["id"][:]
    (tmp_path / "dev.json").unlink()
    rows, held_out = train_and_held_out(DataArguments(task=["re"], data_dir=str(tmp_path)))
    assert empty(rows) + empty(held_out) == 20  # as often as they are


@pytest.mark.slow
def test_three_test_sentences_are_shown_as_answered_and_then_the_card(printed):
    output, out = printed
    shown, _, card = output.partition("The card,")
    assert len([line for line in shown.splitlines() if " lives in " in line]) >= 3
    assert card.split()[-20:] == (out / "README.md").read_text().split()[-20:]


@pytest.mark.slow
def test_a_run_that_is_there_is_not_replaced(printed, source, base):
    result = CliRunner().invoke(app, ["real", str(source), "--model", str(base / "llama"), "--out", str(printed[1])])
    assert result.exit_code == 1
    assert "holds a finished run" in result.output
