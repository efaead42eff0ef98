"""Prompts are those of the dataset, long texts are cut into windows, and odd input ends in an answer or an error."""

import json
import re
import time
from collections import Counter
from dataclasses import replace

import pytest

from iepile_dataset import DataError, Schema
from iepile_dataset.tasks import TASKS
from iepile_trainer import Extractor
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_rows
from iepile_trainer.engines import Answer, EngineOptions
from iepile_trainer.engines.transformers_engine import TransformersEngine
from iepile_trainer.extraction.arguments import ExtractionOptions
from iepile_trainer.extraction.documents import Document
from iepile_trainer.extraction.merge_windows import extraction_of
from iepile_trainer.extraction.questions import QuestionBuilder, entries
from iepile_trainer.extraction.schema_input import schema_of

ANNOTATIONS = ("ner", "re", "ee", "eet", "eea", "spo", "kg")
LABELS = Schema(
    types=("a", "b"),
    relations=("r",),
    roles={"a": ("x", "y"), "b": ("x",)},
    triples={"a_r_b": ("a", "r", "b")},
    descriptions={"a": "the first letter"},
)


def words(text):
    return len(text.split())


def ask(text, schema, task="ner", limit=None, count=words, **options):
    schema = schema_of(schema, TASKS[task])
    triggers, options = options.pop("triggers", None), ExtractionOptions(max_prompt_tokens=limit, **options)
    return QuestionBuilder(TASKS[task], schema, "en", options, count=count).ask(text, triggers)


@pytest.mark.parametrize("task", ["ner", "re", "ee", "eet"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_questions_to_a_text_are_the_instructions_of_the_test_split(task, language):
    from iepile_dataset.corpus.sources import choose_sources, language_of
    from iepile_dataset.options import Options

    rows = load_rows(DataArguments(task=[task], language=language), "test").to_list()
    sources, _ = choose_sources([task], Options(language=language))
    compared = 0
    for source in sources:
        of_source = [row for row in rows if row["source"] == source.name]
        for name in dict.fromkeys(row["id"] for row in of_source):
            instructions = [row["instruction"] for row in of_source if row["id"] == name]
            text = json.loads(instructions[0])["input"]
            asker = QuestionBuilder(TASKS[task], source.schema, language_of(text), room=100_000, count=len)
            assert [question.instruction for question in asker.questions(text)] == instructions
            compared += 1
    assert compared >= 10


@pytest.mark.parametrize("task", ANNOTATIONS)
@pytest.mark.parametrize("descriptions", [False, True])
def test_each_question_knows_the_keys_of_its_answer(task, descriptions):
    (question,) = ask("a text", LABELS, task, split_num=4, descriptions=descriptions)
    schema = json.loads(question.instruction)["schema"]
    assert isinstance(schema, dict) == descriptions
    assert list(question.entries) == {"re": ["r"], "spo": ["r"]}.get(task, ["a", "b"])
    assert entries(json.dumps(schema)) == question.entries


def test_eea_is_told_the_triggers_that_are_known_and_asks_for_all_types_without():
    text = "Ada sued Bo"
    (question,) = ask(text, {"a": ["x"], "b": []}, "eea", triggers={"a": ["sued"]})
    assert json.loads(question.instruction)["schema"] == [{"event_type": "a", "trigger": ["sued"], "arguments": ["x"]}]
    (question,) = ask(text, {"a": ["x"], "b": []}, "eea")
    assert [entry["trigger"] for entry in json.loads(question.instruction)["schema"]] == [[], []]
    with pytest.raises(DataError, match='type "c" is not in the schema'):
        ask(text, {"a": ["x"]}, "eea", triggers={"c": ["sued"]})


@pytest.mark.parametrize("text", ["First one. Second two! Third three? " * 9, "我来了。你走了！他呢？" * 20])
def test_windows_are_whole_sentences_in_order_and_hold_all_of_the_text(text):
    around = len(json.loads(ask("x", ["a"])[0].instruction)["instruction"])
    questions = ask(text, ["a"], limit=around + 130, count=len)
    assert len(questions) > 2
    assert "".join(text[question.start : question.end] for question in questions) == text
    for number, question in enumerate(questions):
        assert question.window == number
        window = json.loads(question.instruction)["input"]
        assert window == text[question.start : question.end]
        assert window.rstrip()[-1] in ".!?。！？"
        assert len(question.instruction) <= around + 130


def test_each_window_is_asked_for_the_usual_batches_of_labels():
    labels = [f"label{number}" for number in range(8)]
    questions = ask("One two three. " * 40, labels, limit=100)
    windows = {question.window for question in questions}
    assert len(windows) > 2
    for window in windows:
        assert [len(question.entries) for question in questions if question.window == window] == [4, 4]
        assert len({question.start for question in questions if question.window == window}) == 1


def test_labels_that_leave_little_room_for_a_text_are_asked_in_smaller_batches():
    labels = [f"label{number} " + "which is " * 10 for number in range(6)]
    prompt = words(TASKS["ner"].prompt("en")) + 3
    questions = ask("One two three. " * 40, labels, limit=prompt + 80)
    assert max(len(question.entries) for question in questions) < 6
    first = [label for question in questions if question.window == 0 for label in question.entries]
    assert first == labels
    assert all(words(question.instruction) <= prompt + 80 for question in questions)


def test_places_in_windows_are_places_in_the_text():
    text = "Ada is here. " * 30
    questions = ask(text, ["a"], limit=80)
    answers = [Answer('{"a": ["Ada"]}')] * len(questions)
    found = extraction_of(Document(text, language="en"), questions, answers)
    assert len(questions) == 3
    assert [mention.start for mention in found] == [13 * number for number in range(30)]
    assert all(text[mention.start : mention.end] == "Ada" for mention in found)


def windowed(text, schema, task, answer, limit, overlap=0):
    """What is extracted where each window is answered by a function of its text."""
    questions = ask(text, schema, task, limit, len, window_overlap=overlap)
    answers = [Answer(json.dumps(answer(json.loads(question.instruction)["input"]))) for question in questions]
    return len(questions), extraction_of(Document(text, task=task, language="en"), questions, answers)


def test_a_mention_at_the_edge_of_a_window_is_whole_and_its_half_is_not_there():
    names = re.compile(r"^ *(Smith\d{3})|(Name\d{3} Smith\d{3})|(Name\d{3}) *$")
    text = " ".join(f"Name{number:03d} Smith{number:03d}" for number in range(200))
    around = len(ask("", ["a"], count=len)[0].instruction)
    number, found = windowed(
        text, ["a"], "ner", lambda part: {"a": [match.group().strip() for match in names.finditer(part)]}, around + 300
    )
    assert number > 5
    assert [mention.text for mention in found] == [f"Name{number:03d} Smith{number:03d}" for number in range(200)]


@pytest.mark.parametrize("between", [" ", ", ", "\n"])
def test_neighbours_at_an_edge_are_two_mentions(between):
    text = f"Ann{between}Bob{between}" * 100
    around = len(ask("", ["a"], count=len)[0].instruction)
    number, found = windowed(text, ["a"], "ner", lambda part: {"a": re.findall("Ann|Bob", part)}, around + 210)
    assert number > 2
    assert [mention.text for mention in found] == ["Ann", "Bob"] * 100


def test_a_relation_across_an_edge_is_found_once_where_windows_overlap_by_a_sentence():
    text = "".join(f"Ada{number} came. Then Bo{number} left. " for number in range(40))
    wanted = {f"Ada{number}" for number in range(40)}
    around = len(ask("", ["meets"], "re", count=len)[0].instruction)

    def pairs(part):
        numbers = [number for number in re.findall(r"Ada(\d+) ", part) if f"Bo{number} " in part]
        return {"meets": [{"subject": f"Ada{number}", "object": f"Bo{number}"} for number in numbers]}

    _, apart = windowed(text, ["meets"], "re", pairs, around + 115)
    number, found = windowed(text, ["meets"], "re", pairs, around + 115, overlap=1)
    assert number > 5
    assert len(apart) < 40
    assert Counter(relation.head.text for relation in found) == dict.fromkeys(wanted, 1)


def test_an_event_in_two_windows_is_one_with_the_arguments_of_both_and_two_events_stay_two():
    text = "In Ulm it rained. Ada sued. In Rome it rained. Bo sued. "
    roles = {"sue": ["who", "place"]}
    (question,) = ask(text, roles, "ee")
    at, end = text.index("Ada"), text.index("Bo")
    windows = [replace(question, start=0, end=end, window=0), replace(question, start=at, end=len(text), window=1)]

    def answer(*events):
        return Answer(json.dumps({"sue": [{"trigger": "sued", "arguments": roles} for roles in events]}))

    found = extraction_of(
        Document(text, task="ee", language="en"),
        windows,
        [answer({"who": "Ada", "place": "Ulm"}), answer({"who": "Ada"}, {"who": "Bo", "place": "Rome"})],
    )
    first, second = ({part.text for part in event.arguments} for event in found)
    assert (first, second) == ({"Ada", "Ulm"}, {"Bo", "Rome"})


@pytest.fixture(scope="module")
def untrained(small_model, row_list):
    """A model and its tokenizer: what it says is noise, that it can be asked is the point."""
    from iepile_trainer.models.scratch import new_tokenizer

    tokenizer = new_tokenizer(row_list(100), 500)
    return small_model(tokenizer), tokenizer


@pytest.fixture
def extract(untrained):
    return Extractor(TransformersEngine(*untrained, EngineOptions(max_new_tokens=4)))


def test_a_text_longer_than_the_model_is_read_in_windows_by_itself(extract, row_list):
    tokens = extract.engine.count(json.dumps({"instruction": TASKS["ner"].prompt("en"), "schema": [], "input": ""}))
    extract.engine.room = tokens + 60
    found = extract("Ada lives in Rome. " * 40, ["person", "place"])
    assert len(found.raw) > 1
    assert "more than" not in (found.error or "")  # no window is too long
    short = extract("Ada lives in Rome.", ["person", "place"])
    assert len(short.raw) == 1


def test_a_model_without_room_for_the_labels_says_what_is_needed(extract):
    extract.engine.room = 40
    found = extract("Ada lives in Rome.", ["person", "place"])
    assert len(found) == 0
    assert found.error.startswith("max_prompt_tokens=")
    assert "allow at least" in found.error
    assert "the model reads 40 tokens beside its answer" in found.error


ODD = [
    'say "hi"',
    "{brace}",
    "[list]",
    "two\nlines",
    "tab\t",
    "🦜",
    "back\\slash",
    "人名",
    "a, b",
    "</s>",
    "\u2028",
    "{% if %}",
]


@pytest.mark.parametrize("task", ANNOTATIONS)
def test_odd_labels_are_asked_and_read_back_as_they_are(task, extract):
    forms = {
        "ee": dict.fromkeys(ODD, ODD),
        "spo": {label: [["人", label]] for label in ODD},
        "kg": dict.fromkeys(ODD, ODD),
    }
    schema = forms.get(task, forms["ee"] if task == "eea" else ODD)
    questions = ask("x", schema, task)
    asked = [label for question in questions for label in question.entries]
    assert asked == ODD
    extract.engine.room = None
    found = extract("Ada 🦜 lives", schema, task)
    assert len(found.raw) == len(questions)
    for question in questions:
        json.loads(question.instruction)
    value = {"re": [{"subject": "Ada", "object": "🦜"}], "spo": [{"subject": "Ada", "object": "🦜"}]}
    value |= {"ee": [{"trigger": "🦜", "arguments": {}}], "eea": [{ODD[0]: "🦜"}], "kg": {"Ada": {ODD[1]: "🦜"}}}
    answers = [
        Answer(json.dumps({label: value.get(task, ["🦜"]) for label in question.entries}, ensure_ascii=False))
        for question in questions
    ]
    found = extraction_of(Document("Ada 🦜 lives", task=task, language="en"), questions, answers)
    assert (len(found), found.error, found.lost) == (len(ODD), None, ())


def test_a_schema_of_five_hundred_labels_is_asked_in_batches_of_six(extract):
    extract.engine.room = None
    labels = [f"label {number}" for number in range(500)]
    start = time.process_time()
    found = extract("Ada lives in Rome.", labels)
    assert len(found.raw) == 84  # 500 / 6, rounded up
    assert time.process_time() - start < 60
    questions = ask("Ada lives in Rome.", labels)
    assert [label for question in questions for label in question.entries] == labels
    assert max(len(question.entries) for question in questions) == 6
