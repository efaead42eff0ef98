"""Examples before the question: the most alike, never the question's own text, as many as there is room for."""

import json

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.engines import EngineOptions
from iepile_trainer.engines.examples import Examples
from iepile_trainer.engines.transformers_engine import TransformersEngine
from iepile_trainer.formats import find, use_format
from iepile_trainer.prediction.arguments import PredictArguments
from iepile_trainer.prediction.run import run_prediction


def row(text, labels=("person", "city"), source="homes", **found):
    question = {"instruction": "Find.", "schema": list(labels), "input": text}
    answer = {label: found.get(label, []) for label in labels}
    return {"task": "NER", "source": source, "instruction": json.dumps(question), "output": json.dumps(answer)}


ROWS = [
    row("Ada lives in Ulm.", person=["Ada"], city=["Ulm"]),
    row("It rains.", labels=("weather",)),
    row("Bo lives in Rome today.", source="others"),
    row("艾达住在乌尔姆。"),
]


def shown(examples, question):
    return [json.loads(instruction)["input"] for instruction, _ in examples.nearest(question)]


def test_rows_of_its_source_then_of_its_schema_then_with_its_words_come_nearest():
    assert shown(Examples(ROWS, 3), row("Cai lives in Rome today.")) == [
        "It rains.",
        "艾达住在乌尔姆。",
        "Ada lives in Ulm.",
    ]
    assert shown(Examples(ROWS, 1), row("博住在罗马。", source=None))[-1] == "艾达住在乌尔姆。"
    assert shown(Examples(ROWS, 9), {**row("?"), "task": "RE"}) == []


def test_the_text_that_is_asked_about_is_never_shown():
    assert "Ada lives in Ulm." not in shown(Examples(ROWS, 9), row("Ada lives in Ulm.", source="elsewhere"))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "no example in it"),
        ('{"instruction": 1}\n', r"examples.jsonl:1: this is no example \(no 'task'\)"),
        (json.dumps({**ROWS[0], "output": "[1"}) + "\n", "examples.jsonl:1: this is no example"),
        (json.dumps({**ROWS[0], "output": '{"person": 3}'}) + "\n", "examples.jsonl:1: this is no example"),
        (json.dumps({**ROWS[0], "output": '{"person": [{"subject": "Ada"}]}'}) + "\n", "out of its text"),
        (json.dumps({**ROWS[0], "output": '{"person": ["Bo"]}'}) + "\n", "out of its text"),
        (json.dumps({**ROWS[0], "output": '{"person": "Ada"}'}) + "\n", "out of its text"),
        (json.dumps(ROWS[0]) + "\nnonsense\n", "examples.jsonl:2: not JSON"),
        ("[1]\n", "examples.jsonl:1: list instead of an object"),
    ],
)
def test_a_file_that_holds_no_examples_is_refused(lines, words, tmp_path):
    (tmp_path / "examples.jsonl").write_text(lines)
    with pytest.raises(TrainerError, match=words):
        Examples.read(str(tmp_path / "examples.jsonl"), 4)


def test_a_byte_order_mark_and_separators_of_lines_in_a_text_are_no_end_of_a_row(tmp_path):
    rows = [row("Ada lives\u2028in Ulm.", person=["Ada"]), ROWS[1]]
    text = "\ufeff" + "".join(json.dumps(one, ensure_ascii=False) + "\r\n" for one in rows)
    (tmp_path / "examples.jsonl").write_bytes(text.encode())
    assert len(shown(Examples.read(str(tmp_path / "examples.jsonl"), 9), row("Bo lives in Bonn."))) == 2


@pytest.mark.parametrize(("place", "words"), [("/dev/zero", "a device"), ("/", "Is a directory"), ("/none", "No such")])
def test_what_is_no_file_of_examples_is_refused_unread(place, words):
    with pytest.raises(ValueError, match=words):
        Examples.read(place, 4)


def test_the_prompt_is_the_conversation_and_examples_go_where_there_is_no_room(small_model, tokenizer, tmp_path):
    use_format(tokenizer)
    (tmp_path / "examples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in ROWS))
    options = EngineOptions(examples=str(tmp_path / "examples.jsonl"), shots=2, max_new_tokens=4)
    engine = TransformersEngine(small_model(tokenizer), tokenizer, options)
    question = row("Cai lives in Rome.")
    both = Examples(ROWS, 2).nearest(question)
    said = [{"role": who, "content": text} for turn in both for who, text in zip(("user", "assistant"), turn)]
    said.append({"role": "user", "content": question["instruction"]})
    wanted = find("plain").render(said, bos=tokenizer.bos_token, eos=tokenizer.eos_token, prompt=True)
    assert tokenizer.decode(engine.prompt(question).ids) == wanted
    engine.room = len(engine.prompt(question).ids) - 1
    assert [json.loads(asked)["input"] for asked, _ in engine.prompt(question).examples] == ["Ada lives in Ulm."]
    engine.room = engine.count(question["instruction"])
    assert engine.prompt(question).examples == []


def test_predict_shows_training_rows_and_leaves_them_beside_its_answers(base, tmp_path):
    output = tmp_path / "answers.jsonl"
    args = PredictArguments(
        str(base / "llama"), input="iepile", task=["ner"], source=["city_news"], output=str(output), examples="train",
        shots=1, max_rows=2, max_new_tokens=4,
    )  # fmt: skip
    assert run_prediction(args).now == 2
    kept = [json.loads(line) for line in (tmp_path / "answers.examples.jsonl").read_text().splitlines()]
    assert {one["source"] for one in kept} == {"city_news"}
    assert run_prediction(args).now == 0
    (tmp_path / "letters.txt").write_text("Ada lives in Ulm.\n")
    texts = PredictArguments(str(base / "llama"), input=str(tmp_path / "letters.txt"), output=str(output), schema="city", examples="train")  # fmt: skip
    with pytest.raises(TrainerError, match="has no training rows"):
        run_prediction(texts)
