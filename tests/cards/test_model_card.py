import json

import pytest
from huggingface_hub import ModelCard

from iepile_cards import model_card, write_model_card
from iepile_cards.licence import strictest
from iepile_metric import score

RUN = {
    "name": "first",
    "base_model": "someone/base-1b",
    "method": "lora",
    "prompt_format": "plain",
    "data": [
        {
            "dataset": "iepile",
            "config": "ner",
            "source": ["city_news"],
            "language": ["en"],
            "split": "train",
            "rows": 12,
            "tokens": 3456,
            "licences": ["MIT", "CC BY-NC 4.0"],
            "options": {},
        }
    ],
    "lengths": {"max_length": 512, "rows": 12, "kept": 11, "shortened": 2, "dropped": 1, "gold_lost_share": 0.125},
    "options": {"learning_rate": 0.0003, "lora_r": 16, "neftune_noise_alpha": None},
    "seed": 7,
    "seconds": 61.5,
    "hardware": {"device": "CPU", "count": 1, "processes": 1},
    "versions": {"iepile": "0.1.0"},
}


def rows():
    gold = {"Ann": "person", "Oslo": "city", "Bo": "person"}
    label = json.dumps([{"entity": mention, "entity_type": kind} for mention, kind in gold.items()])
    for at, (source, output) in enumerate(
        [
            ("city_news", '{"person": ["Ann"], "city": ["Oslo"]}'),
            ("city_news", '{"person": ["Ann", "Bo"], "city": ["Rome"]}'),
            ("harbour", '{"person": ["Bo"], "city": []}'),
        ]
    ):
        yield {"id": f"en/NER/{source}/test:{at}", "task": "NER", "source": source, "output": output, "label": label,
               "instruction": '{"instruction": "Find.", "schema": ["person", "city"], "input": "Ann, Bo, Oslo"}'}  # fmt: skip


@pytest.fixture
def scores():
    return json.loads(json.dumps({"test": {"ner": score(rows())}}))


@pytest.fixture
def run_dir(tmp_path, scores):
    (tmp_path / "run.json").write_text(json.dumps(RUN))
    (tmp_path / "scores.json").write_text(json.dumps(scores))
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    return tmp_path


def test_every_number_of_the_metadata_is_the_one_in_the_scores(run_dir, scores):
    card = ModelCard.load(write_model_card(run_dir))
    found = {(r.dataset_split, r.dataset_config, r.metric_name): r.metric_value for r in card.data.eval_results}
    expected = {}
    for split, by_task in scores.items():
        for task, overall in by_task.items():
            for source, figures in [("", overall), *overall["sources"].items()]:
                for name in ("f1", "macro_f1"):
                    expected[split, task, f"{name}, {source}" if source else name] = figures[name]
    assert found.keys() == expected.keys()
    assert len(expected) == 6  # (all, city_news, harbour) x (f1, macro_f1)
    assert found == pytest.approx(expected, abs=1e-6)


def test_every_number_of_the_table_is_the_one_in_the_scores(run_dir, scores):
    text = ModelCard.load(write_model_card(run_dir)).text
    for source, figures in [("all", scores["test"]["ner"]), *scores["test"]["ner"]["sources"].items()]:
        numbers = " | ".join(f"{figures[name]:.4f}" for name in ("precision", "recall", "f1"))
        line = f"| test | ner | {source} | {numbers} | {figures['records']} | {figures['unparseable']} |"
        assert line in text.splitlines()


def test_the_card_tells_base_data_recipe_and_what_was_lost(run_dir):
    card = model_card(run_dir)
    assert card.data.base_model == "someone/base-1b"
    assert card.data.library_name == "peft"
    assert card.data.license == "cc-by-nc-4.0"
    assert card.data.language == ["en"]
    for words in (
        "| iepile | ner | city_news | en | train | 12 | 3,456 | MIT; CC BY-NC 4.0 |",
        "| learning_rate | 0.0003 |",
        "12 rows were read and 11 trained on, 2 of them with a shortened text; too long and dropped: 1.",
        "lost 12.5% of the annotation",
    ):
        assert words in card.text
    assert "neftune" not in card.text  # options that are off are left out
    assert "PeftModel.from_pretrained" in card.text
    assert "@inproceedings" in card.text


def test_the_example_is_an_answered_row_of_the_run(run_dir):
    first = next(rows())
    text = model_card(run_dir).text
    assert first["instruction"] in text
    assert first["output"] in text


def asked(text):
    return json.dumps({"instruction": "Find.", "schema": ["person", "city"], "input": text})


def test_what_there_is_to_try_is_a_text_that_the_run_answered_rightly(run_dir):
    right = {
        **next(rows()),
        "output": '{"person": ["Ann", "Bo"], "city": ["Oslo"]}',
        "instruction": asked('Ann\'s Oslo, "Bo"'),
    }
    with (run_dir / "predictions.jsonl").open("a") as file:
        file.write(json.dumps(right) + "\n")
    text = model_card(run_dir).text
    assert right["output"] in text
    assert """echo 'Ann'"'"'s Oslo, "Bo"' | iepile predict""" in text
    assert """--task ner --schema '["person", "city"]'""" in text
    assert r"""extract("Ann's Oslo, \"Bo\"", schema=["person", "city"], task="ner")""" in text


def test_what_there_is_to_try_is_a_text_for_everyone_where_no_answered_text_fits_into_a_line(run_dir):
    lines = {**next(rows()), "instruction": asked("Ann, Bo\nOslo")}
    for answers in ("", json.dumps(lines) + "\n"):
        (run_dir / "predictions.jsonl").write_text(answers)
        assert "echo 'Marie Curie was born in Warsaw.' | iepile predict" in model_card(run_dir).text


def test_a_text_of_unknown_licence_is_not_quoted(run_dir):
    data = [{**RUN["data"][0], "licences": ["ask the authors"]}]
    (run_dir / "run.json").write_text(json.dumps({**RUN, "data": data}))
    assert "Ann, Bo, Oslo" not in model_card(run_dir).text


def test_what_is_missing_is_said_and_not_invented(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"name": "bare"}))
    card = ModelCard.load(write_model_card(tmp_path))
    assert card.data.eval_results is None
    assert card.data.license == "other"
    assert "no `scores.json`" in card.text
    assert "does not say what it was trained on" in card.text
    assert "not recorded" in card.text
    assert "curve.png" not in card.text


def test_a_folder_without_a_run_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no run\.json"):
        model_card(tmp_path)


def test_scores_before_training_are_in_the_text_but_are_no_result(run_dir, scores):
    both = {"before": scores["test"], "test": scores["test"]}
    (run_dir / "scores.json").write_text(json.dumps(both))
    card = model_card(run_dir)
    assert {result.dataset_split for result in card.data.eval_results} == {"test"}
    assert "| before | ner | all |" in card.text


def test_event_scores_bring_all_their_measures(run_dir):
    figures = {
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "event_f1": 0.75,
        "argument_f1": 0.5,
        "tp": 1,
        "fp": 1,
        "fn": 1,
    }
    (run_dir / "scores.json").write_text(json.dumps({"test": {"ee": figures}}))
    found = {result.metric_name: result.metric_value for result in model_card(run_dir).data.eval_results}
    assert found == {"f1": 0.5, "event_f1": 0.75, "argument_f1": 0.5}


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["CC-BY-4.0 (written for this package)"], "cc-by-4.0"),
        (["CC BY-NC-SA 4.0 (IEPile)", "MIT"], "cc-by-nc-sa-4.0"),
        (["CC-BY-SA-3.0", "Apache-2.0"], "cc-by-sa-3.0"),
        (["CC BY-NC", "MIT"], "other"),
        (["MIT", "not stated"], "other"),
        (["README/LICENSE.md: CC-BY 4.0 (code MIT)", "repo LICENSE: MIT (2025)"], "cc-by-4.0"),
        (["repo LICENSE: MIT", 'repo LICENSE: MIT; README: "for academic research purposes only"'], "other"),
        (["README: annotations CC BY-SA 3.0; user text not covered"], "other"),
        (["repo LICENSE: MIT (third-party copy; the terms of the original apply)"], "other"),
        (["Daten mit Quellenangabe frei"], "other"),
        (["MIT; non-commercial use only"], "other"),
        (["CC BY-NC 4.0 (non-commercial)"], "cc-by-nc-4.0"),
        (["AGPL-3.0; texts CC BY 4.0"], "other"),
        (["CC BY-SA 2.5"], "other"),  # the Hub has no such identifier, and refuses a card with it
    ],
)
def test_the_strictest_licence_holds_and_an_unknown_one_is_other(licences, expected):
    assert strictest(licences) == expected
