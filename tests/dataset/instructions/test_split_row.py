"""Generated rows read back: the answer states its annotation, and windows of a text hold what stands in them."""

import json

import pytest
from datasets import load_dataset

import iepile_dataset
from iepile_dataset import DataError
from iepile_dataset.export.prepare import prepare
from iepile_dataset.instructions.parse import annotation, completed, output_of, read_instruction
from iepile_dataset.instructions.split_row import split_row
from iepile_dataset.tasks import TASKS

iepile_dataset.register()

RELATIONS = {
    "text": "Ulm, Bavaria. Ada was born in Ulm.",
    "relation": [
        {"head": "Ulm", "head_type": "city", "relation": "in", "tail": "Bavaria", "tail_type": "state"},
        {"head": "Ada", "head_type": "person", "relation": "born in", "tail": "Ulm", "tail_type": "city"},
    ],
}


def letters(*parts):
    return sum(map(len, parts))


def rows_of(task, tmp_path, **options):
    if task not in ("spo", "kg"):
        return load_dataset("iepile", task, split="train", **options)
    source = tmp_path / "tree" / "IE-en" / "SPO" / "towns"
    source.mkdir(parents=True, exist_ok=True)
    (source / "train.json").write_text(json.dumps(RELATIONS) + "\n")
    typed = {"in": [["city", "state"]], "born in": [["person", "city"]]}
    (source / "schema.json").write_text(f'["city", "state", "person"]\n["in", "born in"]\n{json.dumps(typed)}\n')
    return load_dataset("iepile", task, split="train", data_dir=str(tmp_path / "tree"), **options)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("descriptions", [False, True])
def test_every_answer_states_an_annotation_that_gives_the_same_answer(task, descriptions, tmp_path):
    rows = rows_of(task, tmp_path, descriptions=descriptions)
    for row in rows:
        asked = read_instruction(row["instruction"], task)
        assert output_of(asked, annotation(asked, row["output"])) == row["output"]
        assert list(split_row(row, 10**6, letters, len)) == [row]  # what fits stays as it is


def test_windows_of_events_keep_their_own_arguments_and_triggers():
    label = [
        {"event_type": "sue", "event_trigger": "sued", "arguments": [{"role": "who", "argument": "Ada"}]},
        {"event_type": "buy", "event_trigger": "bought", "arguments": [{"role": "what", "argument": "Ulm Inc"}]},
    ]
    entries = [
        {"event_type": "sue", "trigger": ["sued"], "arguments": ["who"]},
        {"event_type": "buy", "trigger": ["bought"], "arguments": ["what"]},
    ]
    text = "In May Ada sued the firm. Later Bo bought Ulm Inc from her."
    row = {
        "task": "EEA",
        "label": json.dumps(label),
        "instruction": json.dumps({"instruction": "?", "schema": entries, "input": text}),
        "output": '{"sue": [{"who": "Ada"}], "buy": [{"what": "Ulm Inc"}]}',
    }
    first, second = split_row(row, 250, letters, len)
    assert json.loads(first["instruction"])["schema"] == entries[:1]  # no trigger that is not in the window
    assert (first["output"], second["output"]) == ('{"sue": [{"who": "Ada"}]}', '{"buy": [{"what": "Ulm Inc"}]}')
    assert first["label"] == row["label"]


def test_chinese_text_is_cut_at_its_own_full_stops():
    text = "我来自北京。" + "今天天气很好。" * 12 + "他住在上海。"
    row = {
        "task": "NER",
        "label": "",
        "instruction": json.dumps({"instruction": "?", "schema": ["城市"], "input": text}, ensure_ascii=False),
        "output": '{"城市": ["北京", "上海"]}',
    }
    cut = list(split_row(row, 110, letters, len))
    texts = [json.loads(part["instruction"])["input"] for part in cut]
    assert "".join(texts) == text
    assert all(part.endswith("。") for part in texts)
    assert (cut[0]["output"], cut[-1]["output"]) == ('{"城市": ["北京"]}', '{"城市": ["上海"]}')
    assert all(letters(part["instruction"], part["output"]) <= 110 for part in cut)


def test_where_what_is_asked_leaves_no_room_there_is_no_window():
    row = {"task": "NER", "instruction": '{"schema": ["city"], "input": "In Ulm."}', "output": '{"city": ["Ulm"]}'}
    assert list(split_row(row, 20, letters, len)) == []


def test_the_originals_rows_are_completed(tmp_path):
    prepare(tmp_path / "rows", tasks=["ner", "ee"], form="jsonl")
    for file in sorted((tmp_path / "rows").glob("*/*.json")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            bare = json.loads(line)
            assert ("id" in bare, "output" in bare) == (("label" in bare), file.name == "train.json")
            row = completed(bare, f"{file.name}:{number}")
            assert row["id"] == bare.get("id", f"train.json:{number}")
            assert row["language"] == ("zh" if "你是" in bare["instruction"] else "en")
            asked = read_instruction(row["instruction"], row["task"])
            assert output_of(asked, annotation(asked, row["output"])) == row["output"]


def test_what_is_no_instruction_is_refused():
    with pytest.raises(DataError, match=r"no NER instruction: 'Find the cities'"):
        read_instruction("Find the cities", "NER")
    assert completed({"task": "NER", "instruction": "Find the cities", "output": "Ulm"}, "a.json:3")["id"] == "a.json:3"
