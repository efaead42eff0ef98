"""Constrained answers have the shape that was asked for, whatever the model would say; gold answers all have it."""

import json
import re

import pytest
from datasets import load_dataset

import iepile  # noqa: F401
from iepile_dataset.tasks import TASKS
from iepile_metric.parse_answer import object_in
from iepile_trainer import TrainerError
from iepile_trainer.constrain import SHAPES, Grammars, Vocabulary, closed, fits, lark, shape_of
from iepile_trainer.engines import EngineOptions, open_engine
from iepile_trainer.engines.transformers_engine import TransformersEngine

ODD = 'He said "no" {a\\b}\n\t你好世界 😀 [x], y: é\u2028z'


def asking(task, schema, text=ODD):
    return {"task": task, "instruction": json.dumps({"instruction": "?", "schema": schema, "input": text})}


ASKED = {
    "NER": (["per\"son", "{place}", "日期 😀", "a\nb"], '{"per\\"son": ["\\"no\\"", "a\\\\b"], "{place}": [], "日期 😀": ["😀"], "a\\nb": ["}\\n\\t你"]}'),
    "RE": (["in"], '{"in": [{"subject": "He", "object": "世界"}, {"subject": "x", "object": "é\u2028z"}]}'),
    "EE": ([{"event_type": "say", "trigger": True, "arguments": ["who", "what"]}, {"event_type": "go", "trigger": True, "arguments": []}],
           '{"say": [{"trigger": "said", "arguments": {"who": "He", "what": ["no", "你好"]}}, {"trigger": "NAN", "arguments": {"who": "NAN", "what": "NAN"}}, {"trigger": "said", "arguments": {}}], "go": []}'),
    "EET": (["say"], '{"say": ["said", "NAN"]}'),
    "EEA": ([{"event_type": "say", "trigger": ["said"], "arguments": ["who"]}], '{"say": [{"who": "He"}, {}]}'),
    "SPO": ([{"subject_type": "x", "predicate": "in", "object_type": "y"}], '{"in": []}'),
    "KG": ([{"entity_type": "man", "attributes": ["says", "is", "has"]}], '{"man": {"He": {"says": "no", "has": ["x", "y"]}, "said": {"is": "NAN"}, "no": {}}}'),
}  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary(row_list):
    from iepile_trainer.models.scratch import new_tokenizer

    tokenizer = new_tokenizer(row_list(100), 500)
    return Vocabulary(tokenizer, [tokenizer.eos_token_id])


def accepts(vocabulary, answer, shape, text):
    from llguidance import LLMatcher

    matcher = LLMatcher(vocabulary.tokens, lark(shape, text), log_level=0)
    ids = vocabulary.tokens.tokenize_str(answer)
    return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()


def both(vocabulary, answer, row):
    shape, text = shape_of(row)
    return accepts(vocabulary, answer, shape, None), accepts(vocabulary, answer, shape, text)


def test_every_task_has_a_shape():
    assert list(SHAPES) == list(TASKS)


@pytest.mark.parametrize("task", ASKED)
def test_labels_and_texts_with_quotes_braces_newlines_and_emoji_can_be_answered(task, vocabulary):
    schema, answer = ASKED[task]
    row = asking(task, schema)
    assert both(vocabulary, answer, row) == (True, True)
    assert fits(answer, shape_of(row)[0])


@pytest.mark.parametrize(
    ("task", "wrong"),
    [
        ("NER", ASKED["NER"][1].replace('["😀"]', '["😁"]')),  # not in the text
        ("NER", ASKED["NER"][1].replace('["😀"]', '[""]')),
        ("RE", '{"in": [{"subject": "He", "object": "NAN"}]}'),
        ("EE", ASKED["EE"][1].replace('"who": "He"', '"who": "She"')),
        ("EET", '{"say": ["aid"]}'),  # a piece of "said"
        ("KG", '{"man": {"He": {"says": "yes"}}}'),
    ],
)
def test_what_the_text_does_not_say_is_json_but_no_extraction(task, wrong, vocabulary):
    as_json, as_extraction = both(vocabulary, wrong, asking(task, ASKED[task][0]))
    assert not as_extraction
    assert as_json == ('[""]' not in wrong)


@pytest.mark.parametrize(
    ("task", "wrong"),
    [
        ("RE", '{"in":[]}'),
        ("RE", '{ "in": []}'),
        ("RE", '{"near": []}'),
        ("RE", '{"in": [{"object": "x", "subject": "He"}]}'),
        ("EE", '{"go": [], "say": []}'),
        ("EE", '{"say": [{"trigger": "said", "arguments": {"what": "no", "who": "He"}}], "go": []}'),
        ("EET", '{"say": "said"}'),
        ("KG", '{"man": {"He": {"has": "x", "says": "no"}}}'),
    ],
)
def test_another_order_separator_or_shape_is_not_accepted(task, wrong, vocabulary):
    assert both(vocabulary, wrong, asking(task, ASKED[task][0])) == (False, False)


def test_described_labels_are_answered_by_their_names(vocabulary):
    row = asking("NER", {"man": "a man", "place": ""})
    assert both(vocabulary, '{"man": ["He"], "place": []}', row) == (True, True)
    event = {"say": {"say": "speech", "event_type": "say", "trigger": True, "arguments": ["who"]}}
    assert both(vocabulary, '{"say": [{"trigger": "said", "arguments": {"who": "He"}}]}', asking("EE", event)) == (
        True,
        True,
    )


def gold(task, folder, most):
    rows = load_dataset("iepile", task, split="train", data_dir=folder)
    return rows.shuffle(seed=0).select(range(min(len(rows), most)))


@pytest.mark.parametrize("task", ["ner", "re", "ee", "eet", "eea"])
def test_every_gold_answer_of_the_sample_is_accepted(task, vocabulary):
    for row in gold(task, None, 100):
        assert both(vocabulary, row["output"], row) == (True, True), row["id"]
        assert closed(row["output"], shape_of(row)[0]) == row["output"]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["ner", "re", "ee", "eet", "eea"])
def test_every_gold_answer_of_the_corpus_that_cuts_no_word_is_accepted(task, vocabulary, corpus):
    refused = []
    for row in gold(task, str(corpus), 1000):
        shape, text = shape_of(row)
        assert fits(row["output"], shape)
        if not accepts(vocabulary, row["output"], shape, text):
            assert any(cuts_a_word(string, text) for string in strings_of(json.loads(row["output"]), shape)), row["id"]
            refused.append(row["id"])
    assert len(refused) <= 10  # of a thousand; slips of the annotators, such as "haloperido"


def cuts_a_word(string, text):
    """Whether a string stands in a text only with a letter, or a digit, before or behind its own."""

    def inside(at):
        return re.fullmatch(r"[^\W\d_]{2}|\d{2}", text[at - 1 : at + 1]) is not None if 0 < at < len(text) else False

    places = [found.start() for found in re.finditer(f"(?={re.escape(string)})", text)]
    return all(inside(at) or inside(at + len(string)) for at in places)


@pytest.mark.parametrize("task", ASKED)
def test_an_answer_cut_anywhere_is_closed_without_what_was_unfinished(task, vocabulary):
    schema, answer = ASKED[task]
    shape, text = shape_of(asking(task, schema))
    before = -1
    for end in range(len(answer) + 1):
        whole = closed(answer[:end], shape)
        assert accepts(vocabulary, whole, shape, text), (answer[:end], whole)
        assert fits(whole, shape)
        strings = whole.count('"') - whole.count('"NAN"')
        assert strings >= before  # nothing that was said is lost by saying more
        before = strings
    if task not in ("EE", "EEA"):  # there, empty arguments are written out
        assert closed(answer, shape) == answer


def test_an_unfinished_string_is_dropped_with_the_pair_that_needs_it():
    shape = shape_of(asking("RE", ["in", "near"]))[0]
    assert closed('{"in": [{"subject": "a", "object": "b"}, {"subject": "c", "obj', shape) == (
        '{"in": [{"subject": "a", "object": "b"}], "near": []}'
    )
    event = shape_of(asking("EE", ASKED["EE"][0]))[0]
    assert closed('{"say": [{"trigger": "said", "arguments": {"who": "H', event) == (
        '{"say": [{"trigger": "said", "arguments": {"who": "NAN", "what": "NAN"}}], "go": []}'
    )


@pytest.mark.parametrize("how", ["json", "extractive"])
@pytest.mark.parametrize("most", [1, 7, 40])
def test_a_random_model_always_answers_in_the_right_shape(how, most, tokenizer, small_model):
    rows = [asking(task, schema) for task, (schema, _) in ASKED.items()] * 2
    engine = TransformersEngine(
        small_model(tokenizer),
        tokenizer,
        EngineOptions(batch_size=5, max_new_tokens=most, constrain=how, confidence=True),
    )
    engine.room = None
    answers = list(engine.answer(rows))
    for row, answer in zip(rows, answers, strict=True):
        shape, text = shape_of(row)
        assert answer.error is None
        assert fits(answer.text, shape)
        assert object_in(answer.text)[1] == []  # nothing had to be repaired
        if how == "extractive":
            assert all(string in text or string == "NAN" for string in strings_of(json.loads(answer.text), shape))
        assert all(answer.text[token.start : token.end] or token.start == token.end for token in answer.tokens)
    assert [answer.text for answer in answers[:7]] == [answer.text for answer in answers[7:]]
    if most == 1:
        assert all(answer.cut for answer in answers)


def strings_of(said, shape):
    """All strings of an answer but its labels."""
    labels = {key for key, _ in shape.keys} | {"subject", "object", "trigger", "arguments", "who", "what"}
    labels |= {"says", "is", "has"}
    if isinstance(said, dict):
        return [
            s for key, value in said.items() for s in [*([key] if key not in labels else []), *strings_of(value, shape)]
        ]
    return [s for value in said for s in strings_of(value, shape)] if isinstance(said, list) else [said]


def test_constrained_batches_answer_as_single_rows_do(tokenizer, small_model, row_list):
    model, rows = small_model(tokenizer), row_list(9)
    alone = list(
        TransformersEngine(
            model, tokenizer, EngineOptions(batch_size=1, max_new_tokens=24, constrain="extractive")
        ).answer(rows)
    )
    together = list(
        TransformersEngine(
            model, tokenizer, EngineOptions(batch_size=9, max_new_tokens=24, constrain="extractive")
        ).answer(rows)
    )
    assert alone == together
    assert len({len(answer.text) for answer in alone}) > 1  # rows left the batch at different times


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "hello"}, "no answer can be constrained for task ''"),
        ({"task": "POS", "instruction": "hello"}, "no answer can be constrained for task 'POS'"),
        ({"task": "NER", "instruction": "hello"}, "is not of the form"),
        (asking("NER", []), "is not of the form"),
        (asking("EE", ["say"]), "is not of the form"),
        (asking("NER", [1]), "is not of the form"),
    ],
)
def test_a_row_that_asks_for_nothing_known_carries_its_reason(row, reason, tokenizer, small_model, row_list):
    engine = TransformersEngine(small_model(tokenizer), tokenizer, EngineOptions(max_new_tokens=4, constrain="json"))
    bad, good = engine.answer([row, row_list(1)[0]])
    assert reason in bad.error
    assert good.error is None


def test_500_labels_have_a_grammar(vocabulary):
    row = asking("NER", [f"label {n}" for n in range(500)])
    answer = json.dumps({f"label {n}": ["He"] if n == 499 else [] for n in range(500)})
    assert both(vocabulary, answer, row) == (True, True)
    assert Grammars(vocabulary, [lark(*shape_of(row))]).error(0) is None


def test_a_vocabulary_that_cannot_write_json_is_an_error_of_the_row(small_model, row_list):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {"</s>": 0, "<unk>": 1, **{char: at for at, char in enumerate("abcdeĠ", 2)}}
    plain = Tokenizer(models.BPE(words, [], unk_token="<unk>"))
    plain.pre_tokenizer, plain.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="</s>", unk_token="<unk>")
    engine = TransformersEngine(small_model(tokenizer), tokenizer, EngineOptions(max_new_tokens=4, constrain="json"))
    engine.room = None
    (answer,) = engine.answer(row_list(1))
    assert answer.text == ""
    assert "cannot be constrained" in answer.error


def test_an_unknown_constraint_is_refused():

    with pytest.raises(TrainerError, match="constrain='xml' is unknown"):
        open_engine(EngineOptions("m", engine="transformers", constrain="xml"))
