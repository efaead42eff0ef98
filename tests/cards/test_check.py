import json
import re

import pytest
from typer.testing import CliRunner

from iepile.cards import metric_facts
from iepile.cli import app
from iepile_cards import card_text, check_card, metric_page, write_model_card
from iepile_cards.dataset_card import dataset_page
from iepile_cards.diff_card import Expected, compare_text
from iepile_cards.model_card import model_page
from iepile_dataset.export.manifest import published, read_manifest
from iepile_dataset.export.prepare import prepare

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")


def alter(path, old, new, count=1):
    text = path.read_text()
    assert text.count(old) >= 1, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, count))


def found(folder, **options):
    return [str(difference) for difference in check_card(folder, **options)]


def test_cards_as_they_were_written_say_what_their_sources_say(run, prepared):
    assert found(run) == found(prepared) == []


# 3 of the answers' 4 units are right, 1 is wrong: tp 3, fp 1, fn 1; F1 0.75. In harbour alone 1 of 2: 0.5.
@pytest.mark.parametrize(
    ("old", "new", "place", "source"),
    [
        ("| test | ner | all | 0.7500 |", "| test | ner | all | 0.9500 |", "README.md:", "scores.json test.ner.precision"),
        ("| harbour | 0.5000 | 0.5000 | 0.5000 |", "| harbour | 0.5000 | 0.5000 | 0.6000 |", "README.md:",
         "scores.json test.ner.sources.harbour.f1"),
        ("value: 0.75", "value: 0.95", "model-index someone/news / ner / test / f1", "scores.json test.ner.f1"),
        ("license: cc-by-sa-4.0", "license: mit", "README.md license", "run.json data[].licences"),
        ("| 34,567 |", "| 34,568 |", "README.md:", "run.json data[0].tokens"),
        ("61.5 s,", "60.5 s,", "README.md:", "run.json seconds"),
        ("learning rate 0.0003", "learning rate 0.0001", "README.md:", "run.json options.learning_rate"),
        ("| packing | False |", "| packing | True |", "README.md:", "run.json options.packing"),
        ("1.2% of the annotation", "0.2% of the annotation", "README.md:", "run.json lengths.gold_lost_share"),
        ('"city": ["Oslo"]', '"city": ["Bonn"]', "README.md:", "predictions.jsonl:1 output"),
    ],
)  # fmt: skip
def test_one_altered_value_of_a_model_card_is_found_with_its_source(run, old, new, place, source):
    alter(run / "README.md", old, new)
    (difference,) = found(run)
    assert place in difference
    assert f"{source} says" in difference


@pytest.mark.parametrize(
    ("old", "new", "place", "source"),
    [
        ("| ner | 78 |", "| ner | 79 |", "README.md:", "the rows of ner.train"),
        ("| en/NER/city_news | CC-BY-4.0 (written for this package) | 40 | 0 | 52 |",
         "| en/NER/city_news | CC-BY-4.0 (written for this package) | 40 | 0 | 53 |", "README.md:",
         "manifest.json sources[0].counts.train.rows"),
        ("| seed | 42 |", "| seed | 43 |", "README.md:", "manifest.json options.seed"),
        ("size_categories:\n- n<1K", "size_categories:\n- 1K<n<10K", "README.md size_categories", "the files' rows"),
        ("description: files ", "description: files 0", "README.md configs", "manifest.json files"),
    ],
)  # fmt: skip
def test_one_altered_value_of_a_dataset_card_is_found_with_its_source(prepared, old, new, place, source):
    alter(prepared / "README.md", old, new)
    (difference,) = found(prepared)
    assert place in difference
    assert f"{source} says" in difference


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_whichever_number_of_the_text_is_altered_it_is_found(kind, run, prepared):
    page = model_page(run) if kind == "model" else dataset_page(prepared)
    text = page.card().text.lstrip("\n")
    expected = Expected(page)
    assert list(compare_text("README.md", expected, text.splitlines())) == []
    places = list(NUMBER.finditer(text))
    assert len(places) > 50
    for match in places:
        other = str(int(match[0][0]) % 9 + 1) + match[0][1:]
        altered = text[: match.start()] + other + text[match.end() :]
        line = text[: match.start()].count("\n") + 1
        told = [difference.place for difference in compare_text("README.md", expected, altered.splitlines())]
        assert f"README.md:{line}" in told, f"{match[0]} → {other} in line {line}"


def test_a_source_that_changed_after_the_card_was_written_is_found(run):
    scores = json.loads((run / "scores.json").read_text())
    scores["test"]["ner"]["f1"] = 0.9
    (run / "scores.json").write_text(json.dumps(scores))
    places = [difference.place for difference in check_card(run)]
    assert any(place.startswith("README.md:") for place in places)  # the table
    assert any("model-index" in place for place in places)
    assert any(place.startswith(".eval_results") for place in places)


def test_results_for_the_hub_that_differ_from_the_scores_are_found(run):
    alter(run / ".eval_results/iepile.yaml", "value: 0.75", "value: 0.85")
    assert found(run) == [
        ".eval_results/iepile.yaml someone/news / ner value: says '0.85', scores.json test.ner.f1 says '0.75'"
    ]


def test_rows_that_are_not_those_of_the_manifest_are_found(prepared):
    (prepared / "ner" / "test-00000-of-00001.parquet").unlink()
    told = "\n".join(found(prepared))
    # English: city_news 52 + 12 + 16 and shop_support 26 + 6 + 8 rows of NER, twice 52 + 12 + 16 of EET: 280 in all.
    # The test split of NER is gone, 16 + 8 rows.
    assert "manifest.json rows: says '280', the files' rows says '256'" in told


def test_words_may_be_added_and_edited_but_no_number_without_a_source(run):
    path = run / "README.md"
    alter(path, "## Limits", "## What it is for\n\nOur own notes on ships.\n\n## Limits")
    alter(path, "expect less on other texts", "expect much less on other texts")
    assert found(run) == []
    alter(path, "Our own notes", "Our own 99 notes")
    (difference,) = found(run)
    assert difference.endswith("says '99', which no source says")


def test_a_line_of_bad_scores_that_was_taken_out_is_found(run):
    text = (run / "README.md").read_text()
    (run / "README.md").write_text("".join(line for line in text.splitlines(True) if "| harbour |" not in line))
    assert any("says nothing, scores.json test.ner.sources.harbour.f1" in line for line in found(run))


def test_a_result_that_was_never_scored_is_found(run):
    alter(
        run / "README.md",
        "    - type: f1\n      value: 0.75\n",
        "    - type: f1\n      value: 0.99\n      name: best\n    - type: f1\n      value: 0.75\n",
    )
    assert found(run) == ["README.md model-index someone/news / ner / test / best: says '0.99', which no source says"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("      type: someone/news\n", "      type: conll2003\n", "model-index conll2003 / ner / test / f1"),
        ("      name: f1\n", "      name: f1\n    - type: f1\n      value: 0.99\n      name: f1\n", "f1 / again: says '0.99'"),
        ("library_name:", "co2_eq_emissions:\n  emissions: 0.1\nlibrary_name:", "co2_eq_emissions: says '0.1'"),
        ("## Limits\n", "## Limits\n\nF1 is .99 on ships.\n", "says '.99', which no source says"),
    ],
)  # fmt: skip
def test_what_is_smuggled_in_beside_the_values_is_found(run, old, new, told):
    alter(run / "README.md", old, new)
    assert any(told in line for line in found(run)), found(run)


@pytest.mark.parametrize(
    ("name", "text"), [("run.json", "[]"), ("scores.json", "[1]"), (".eval_results/iepile.yaml", "a: [")]
)
def test_a_source_that_is_something_else_is_named(run, name, text):
    (run / name).write_text(text)
    with pytest.raises(ValueError, match=name):
        check_card(run)


def test_a_card_with_its_name_on_the_hub_is_as_true_as_one_without(run):
    write_model_card(run, "someone/ship-2b")
    assert 'from_pretrained("someone/ship-2b")' in (run / "README.md").read_text()
    assert found(run) == []


def test_the_card_that_is_pushed_names_the_repository_and_keeps_what_was_added(run):
    alter(run / "README.md", "## Limits", "Our own notes.\n\n## Limits")
    text = card_text(run, "someone/ships")
    assert 'Extractor.from_pretrained("someone/ships")' in text
    assert "path/to" not in text
    assert "Our own notes." in text
    text = card_text(run, "someone/ships", "someone/base-1b")
    assert "\nbase_model: someone/base-1b\n" in text
    assert "Our own notes." in text


def test_a_card_that_was_written_under_another_name_is_pushed_under_the_new_one(run):
    write_model_card(run, "someone/boats")
    text = card_text(run, "someone/ships")
    assert "# ships" in text.splitlines()
    assert "boats" not in text


def test_a_dataset_card_that_nobody_edited_is_pushed_under_its_name_on_the_hub(prepared):
    text = card_text(prepared, "someone/ships")
    assert "# ships" in text.splitlines()
    assert "pretty_name: ships" in text
    assert "path/to" not in text


def test_whichever_number_of_the_metadata_of_a_model_is_altered_it_is_found(run):
    text = (run / "README.md").read_text()
    places = list(NUMBER.finditer(text, 0, text.index("\n---\n", 4)))
    values = [match for match in places if text[: match.start()].endswith("value: ")]
    assert len(values) == 6  # F1 and macro F1 of all, city_news and harbour
    for match in values:
        (run / "README.md").write_text(text[: match.start()] + "0.1234" + text[match.end() :])
        (difference,) = found(run)
        assert "model-index" in difference
        assert "scores.json test.ner" in difference


def test_the_metric_card_is_compared_with_the_metric_itself(tmp_path):
    (tmp_path / "matching.py").touch()
    metric_page(metric_facts(), "someone/iepile_f1").write(tmp_path)
    assert found(tmp_path, facts=metric_facts()) == []
    alter(tmp_path / "README.md", "`f1` is 0.5", "`f1` is 0.6")
    (difference,) = found(tmp_path, facts=metric_facts())
    assert difference.endswith("says '0.6', iepile example.scores.f1 says '0.5'")


def test_the_command_fails_with_a_line_for_each_difference(run, tmp_path):
    runner = CliRunner()
    done = runner.invoke(app, ["card", "check", str(run)])
    assert done.exit_code == 0, done.output
    alter(run / "README.md", "61.5 s,", "60.5 s,")
    done = runner.invoke(app, ["card", "check", str(run)])
    assert done.exit_code == 1
    assert "says '60.5', run.json seconds says '61.5'" in done.output
    assert "1 difference " in done.output
    (tmp_path / "empty").mkdir()
    for folder, told in ((tmp_path / "empty", "nothing that has a card"), (run, "no metadata")):
        (run / "README.md").write_text("no head")
        done = runner.invoke(app, ["card", "check", str(folder)])
        assert done.exit_code == 1
        assert told in done.output


def test_scores_that_the_answers_do_not_bear_out_are_found(run):
    scores = json.loads((run / "scores.json").read_text())
    scores["test"]["ner"]["sources"]["harbour"]["f1"] = 0.9
    (run / "scores.json").write_text(json.dumps(scores))
    write_model_card(run)
    assert found(run) == []  # the card says what the scores say,
    done = CliRunner().invoke(app, ["card", "check", str(run)])
    assert done.exit_code == 1  # but the answers say otherwise
    assert "scores.json test.ner.sources.harbour.f1: says '0.9', predictions.jsonl says '0.5'" in done.output


def test_a_run_as_it_lies_on_the_hub_without_its_answers_is_checked_all_the_same(run):
    (run / "predictions.jsonl").unlink()
    assert found(run) == []
    alter(run / "README.md", "| 34,567 |", "| 34,568 |")
    assert len(found(run)) == 1


def test_a_dataset_as_it_is_pushed_is_checked_all_the_same(prepared):
    card = {"README.md": card_text(prepared, "someone/ships")}
    manifest = published(read_manifest(prepared / "manifest.json"), card)
    (prepared / "README.md").write_text(card["README.md"])
    (prepared / "manifest.json").write_text(manifest)
    (prepared / "quarantine.jsonl").unlink()
    assert found(prepared) == []


def test_a_page_that_is_no_card_is_called_that(tmp_path):
    prepare(tmp_path / "rows", tasks=["ner"])
    with pytest.raises(ValueError, match="no card of this dataset"):
        check_card(tmp_path / "rows")


def test_a_text_with_fences_does_not_end_the_example(run):
    answer = json.loads((run / "predictions.jsonl").read_text().splitlines()[0])
    answer["instruction"] = answer["instruction"].replace("Ann, Oslo", "```` Ann, Oslo")
    (run / "predictions.jsonl").write_text(json.dumps(answer) + "\n")
    write_model_card(run)
    lines = (run / "README.md").read_text().splitlines()
    assert lines.count("`````") == 4
    assert found(run) == []


def test_the_card_of_an_app_can_be_written_and_checked(tmp_path):
    (tmp_path / "app.py").touch()
    (tmp_path / "requirements.txt").write_text("# the page\niepile[app]>=0.1\n")
    runner = CliRunner()
    assert runner.invoke(app, ["card", "app", str(tmp_path), "--repo", "someone/demo"]).exit_code == 0
    assert runner.invoke(app, ["card", "check", str(tmp_path)]).exit_code == 0
    assert "sdk: gradio" in (tmp_path / "README.md").read_text()
    (tmp_path / "requirements.txt").write_text("iepile[app]>=0.2\n")
    done = runner.invoke(app, ["card", "check", str(tmp_path)])
    assert done.exit_code == 1
    assert "says 'iepile[app]>=0.1', iepile requirements[0] says 'iepile[app]>=0.2'" in done.output
