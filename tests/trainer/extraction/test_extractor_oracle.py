"""The gold annotation as answer gives back the annotation, each part in its place; any other text does no harm."""

import json
from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile_dataset.corpus.record_check import problems
from iepile_dataset.corpus.sources import choose_sources
from iepile_dataset.options import Options
from iepile_dataset.tasks import TASKS
from iepile_metric.tasks import TASKS as JUDGES
from iepile_trainer.engines import Answer, Token
from iepile_trainer.extraction.arguments import ExtractionOptions
from iepile_trainer.extraction.confidence import unit_confidences
from iepile_trainer.extraction.documents import Document
from iepile_trainer.extraction.merge_windows import extraction_of
from iepile_trainer.extraction.questions import QuestionBuilder
from iepile_trainer.extraction.results import Event, Mention, Relation
from iepile_trainer.extraction.schema_input import schema_of


def units(task, found):
    """What the metric counts of it."""
    for result in found:
        if isinstance(result, Mention):
            yield result.label, result.text
        elif isinstance(result, Relation) and task == "kg":
            yield result.head.label, result.head.text, result.label, result.tail.text
        elif isinstance(result, Relation):
            yield result.label, result.head.text, result.tail.text
        elif task == "eet":
            yield result.label, result.trigger.text if result.trigger else ""
        else:
            for argument in result.arguments:
                yield result.label, argument.label, argument.text


def mentions(found):
    for result in found:
        if isinstance(result, Event):
            yield from (result.arguments if result.trigger is None else (result.trigger, *result.arguments))
        else:
            yield from (result,) if isinstance(result, Mention) else (result.head, result.tail)


def check_source(source, most, limit=None):
    """How many records gave back their annotation."""
    name, checked = source.task, 0
    asker = QuestionBuilder(
        TASKS[name], source.schema, source.language, ExtractionOptions(max_prompt_tokens=limit), count=len
    )
    with open(next(iter(source.files.values())), "rb") as lines:
        for _, line in zip(range(most), lines):
            record = orjson.loads(line)
            if any(problems(record, TASKS[name].annotation, source.schema)):
                continue  # set aside by the dataset, too
            text, items = record["text"], record.get(TASKS[name].annotation) or []
            questions = asker.questions(text, items)
            answers = [Answer(question.output) for question in questions]
            found = extraction_of(Document(text, task=name, language=source.language), questions, answers)
            assert (found.error, found.lost) == (None, ())
            for mention in mentions(found):
                assert text[mention.start : mention.end] == mention.text
            asked = dict.fromkeys(unit for (*_, each), _ in [JUDGES[name].gold(items)] for unit in each)
            if limit is None:
                assert Counter(dict.fromkeys(units(name, found))) == Counter(asked)
            else:
                assert set(units(name, found)) <= set(asked)  # what stands in two windows is lost, and counted there
            checked += 1
    return checked


@pytest.mark.parametrize("task", ["ner", "re", "ee", "eet", "eea"])
def test_the_annotation_of_the_sample_comes_back_in_its_places(task):
    sources, _ = choose_sources([task], Options())
    assert sum(check_source(source, 60) for source in sources) > 100
    assert sum(check_source(source, 20, limit=500) for source in sources) > 20


@pytest.mark.parametrize("task", ["ner", "re", "ee", "eet", "eea"])
def test_the_annotation_of_real_sources_comes_back_in_its_places(corpus, task):
    sources, _ = choose_sources([task], Options(), str(corpus))
    assert sum(check_source(source, 80) for source in sources) > 100


ANSWERS = {
    "ner": {"a": ["Ada", "Bo"], "b": []},
    "re": {"r": [{"subject": "Ada", "object": "Bo"}]},
    "spo": {"r": [{"subject": "Ada", "object": "Bo"}]},
    "ee": {"a": [{"trigger": "met", "arguments": {"x": ["Ada", "Bo"], "y": "NAN"}}]},
    "eet": {"a": ["met"]},
    "eea": {"a": [{"x": "Ada", "y": "NAN"}]},
    "kg": {"a": {"Ada": {"x": "Bo", "y": ["Bo", "Ada"]}}},
}
SCHEMA = {"types": ["a", "b"], "relations": ["r"], "roles": {"a": ["x", "y"]}, "triples": {"r": [["a", "b"]]}}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Ada", "met", "NAN", "", "\ud800", "x", "人"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "r", "x", "subject", "object", "trigger", "arguments", "é"]), inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("task", list(TASKS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_a_model_says_becomes_results_or_an_error(task, data):
    text = "Ada met Bo. 人"
    right = json.dumps(ANSWERS[task])
    answer = data.draw(
        st.one_of(
            st.text(max_size=40),
            VALUES.map(json.dumps),
            st.integers(0, len(right)).map(lambda end: right[:end]),
            st.tuples(st.integers(0, len(right)), st.text(max_size=3)).map(
                lambda p: right[: p[0]] + p[1] + right[p[0] :]
            ),
        )
    )
    (question, *others) = QuestionBuilder(
        TASKS[task], schema_of(SCHEMA, TASKS[task]), "en", ExtractionOptions(split_num=9)
    ).questions(text, [{"event_type": "a", "event_trigger": "met", "arguments": []}] if TASKS[task].hints else None)
    tokens = tuple(Token(at, at + 1, -0.1) for at in range(len(answer)))
    given_ = [Answer(answer, tokens=tokens)] * (1 + len(others))
    found = extraction_of(
        Document(text, task=task, language="en"),
        [question, *others],
        given_,
        ExtractionOptions(min_confidence=0.5, conflicts="best"),
    )
    orjson.dumps(found.as_dict() | {"raw": []})  # raw is the model's text, which is text already
    for mention in mentions(found):
        assert mention.start is None or text[mention.start : mention.end] == mention.text
    unit_confidences(task, given_[0])
