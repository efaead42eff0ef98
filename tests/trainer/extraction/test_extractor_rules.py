"""Answers become results by rules that a reader can follow by hand."""

import math

import pytest

from iepile_dataset import Schema
from iepile_dataset.tasks import TASKS
from iepile_metric.tasks import TASKS as JUDGES
from iepile_trainer.engines import Answer, Token
from iepile_trainer.extraction.arguments import ExtractionOptions
from iepile_trainer.extraction.documents import Document
from iepile_trainer.extraction.locate import _RESULTS
from iepile_trainer.extraction.merge_windows import extraction_of
from iepile_trainer.extraction.offsets import MOST
from iepile_trainer.extraction.questions import QuestionBuilder
from iepile_trainer.extraction.results import Event, Mention, Relation
from iepile_trainer.extraction.schema_input import schema_of

SUE = {"sue": ["plaintiff", "place"]}


def extracted(task, schema, text, *answers, triggers=None, split_num=None, limit=None, **options):
    """The extraction from given answers, one for each question; texts of answers, or whole ones."""
    asker = QuestionBuilder(
        TASKS[task],
        schema_of(schema, TASKS[task]),
        "en",
        ExtractionOptions(split_num=split_num, max_prompt_tokens=limit),
        count=lambda t: len(t),
    )
    questions = asker.questions(text, triggers)
    assert len(questions) == len(answers)
    answers = [answer if isinstance(answer, Answer) else Answer(answer) for answer in answers]
    return extraction_of(Document(text, task=task, language="en"), questions, answers, ExtractionOptions(**options))


def sure(text, *spans):
    """An answer whose given pieces have these probabilities, one token each, and everything else 1."""
    tokens, at = [], 0
    for piece, probability in spans:
        start = text.index(piece, at)
        tokens += [Token(at, start, 0.0)] * (start > at) + [Token(start, start + len(piece), math.log(probability))]
        at = start + len(piece)
    return Answer(text, tokens=(*tokens, Token(at, len(text), 0.0)))


def brief(found):
    return [(result.label, result.text, result.start, result.end) for result in found]


def test_every_task_has_its_results():
    assert set(_RESULTS) == set(TASKS) == set(JUDGES)


@pytest.mark.parametrize(
    ("places", "starts"),
    [
        ("all", {"a": [0, 7, 14], "b": [0, 7, 14]}),
        ("first", {"a": [0], "b": [0]}),
        ("model", {"a": [0, 7], "b": [0]}),  # as often as it was said
    ],
)
def test_a_repeated_mention_stands_at_each_place_at_the_first_or_as_often_as_it_was_said(places, starts):
    answer = '{"a": ["Bo", "Bo"], "b": ["Bo"]}'
    extraction = extracted("ner", ["a", "b"], "Bo and Bo and Bo.", answer, places=places)
    assert {label: [m.start for m in extraction if m.label == label] for label in "ab"} == starts


def test_in_chinese_a_mention_stands_wherever_its_characters_do():
    extraction = extracted("ner", ["a"], "小明和小明的朋友王小明", '{"a": ["小明"]}')
    assert [(m.start, m.end) for m in extraction] == [(0, 2), (3, 5), (9, 11)]


def test_more_places_than_are_looked_at_are_said():
    extraction = extracted("ner", ["a"], "Bo " * (MOST + 1), '{"a": ["Bo"]}')
    assert len(extraction) == MOST
    assert extraction.lost == ('more than 1,000 places: "Bo" (a), the first are given',)


def test_what_does_not_stand_in_the_text_is_left_out_and_named_unless_it_is_to_be_kept():
    answer = '{"a": ["Bo", "Ada"]}'
    extraction = extracted("ner", ["a"], "Bo.", answer)
    assert brief(extraction) == [("a", "Bo", 0, 2)]
    assert extraction.lost == ('not in the text: "Ada" (a)',)
    extraction = extracted("ner", ["a"], "Bo.", answer, ungrounded="keep")
    assert (brief(extraction), extraction.lost) == ([("a", "Bo", 0, 2), ("a", "Ada", None, None)], ())


def test_a_relation_or_an_event_without_one_of_its_ends_or_its_trigger_is_left_out():
    extraction = extracted("re", ["in"], "Ada in Ulm", '{"in": [{"subject": "Ada", "object": "Rome"}]}')
    assert (extraction.results, extraction.lost) == ((), ('not in the text: "Rome" (in)',))
    events = (
        '{"sue": [{"trigger": "sues", "arguments": {"plaintiff": "Ada"}},'
        ' {"trigger": "sued", "arguments": {"plaintiff": "Bo", "place": "Ulm"}}]}'
    )
    extraction = extracted("ee", SUE, "Ada sued in Ulm", events)
    (event,) = extraction
    assert brief(event.arguments) == [("place", "Ulm", 12, 15)]
    assert extraction.lost == ('not in the text: "sues" (trigger of sue)', 'not in the text: "Bo" (plaintiff of sue)')


def test_a_mention_is_spelt_as_its_text_spells_it():
    extraction = extracted("ner", ["a"], "in NEW\nYORK  City", '{"a": ["New York City"]}')
    assert brief(extraction) == [("a", "NEW\nYORK  City", 3, 17)]


def test_an_entity_stands_where_it_is_no_part_of_a_longer_one_if_it_does_anywhere():
    text = "New York and York, not York City"
    found = extracted("ner", ["a", "b"], text, '{"a": ["New York", "York"], "b": ["York City", "City"]}')
    assert brief(found) == [
        ("a", "New York", 0, 8),
        ("a", "York", 13, 17),
        ("b", "York City", 23, 32),
        ("b", "City", 28, 32),
    ]


def test_relations_stand_where_their_ends_are_nearest():
    text = "Ada came. Bo saw Ada in Ulm."
    found = extracted("re", ["in"], text, '{"in": [{"subject": "Ada", "object": "Ulm"}]}')
    assert found.results == (Relation("in", Mention("", "Ada", 17, 20), Mention("", "Ulm", 24, 27)),)


def test_typed_relations_carry_the_types_that_were_asked():
    schema = {"in": [["person", "city"]]}
    found = extracted("spo", schema, "Ada in Ulm", '{"in": [{"subject": "Ada", "object": "Ulm"}]}')
    assert (found[0].head.label, found[0].tail.label) == ("person", "city")


def test_a_knowledge_graph_gives_a_relation_for_each_value():
    answer = '{"person": {"Ada": {"born in": "Ulm", "likes": ["tea", "NAN"], "height": "2 m"}}}'
    found = extracted("kg", {"person": ["born in", "likes"]}, "Ada of Ulm likes tea", answer)
    assert [(each.label, each.head.text, each.tail.text, each.head.label) for each in found] == [
        ("born in", "Ada", "Ulm", "person"),
        ("likes", "Ada", "tea", "person"),
    ]
    assert found.lost == ('attribute "height" of "person" was not asked: "2 m"',)


def test_arguments_stand_nearest_to_their_trigger_and_nan_is_none():
    text = "Ada left. Ada sued in Ulm; Bo sued too."
    answer = (
        '{"sue": [{"trigger": "sued", "arguments": {"plaintiff": "Ada", "place": ["Ulm", "NAN"]}},'
        ' {"trigger": "sued", "arguments": {"plaintiff": "Bo", "place": "NAN"}}]}'
    )
    first, second = extracted("ee", SUE, text, answer)
    assert (first.trigger.start, second.trigger.start) == (14, 30)
    assert [(a.label, a.text, a.start) for a in first.arguments] == [("plaintiff", "Ada", 10), ("place", "Ulm", 22)]
    assert [(a.label, a.text, a.start) for a in second.arguments] == [("plaintiff", "Bo", 27)]


def test_an_event_may_have_no_trigger():
    answer = '{"sue": [{"trigger": "NAN", "arguments": {"plaintiff": "Ada"}}]}'
    (event,) = extracted("ee", SUE, "Ada", answer)
    assert event == Event("sue", None, (Mention("plaintiff", "Ada", 0, 3),))
    assert event.as_dict()["trigger"] is None
    assert [e.trigger.text for e in extracted("eet", ["sue"], "Ada sued", '{"sue": ["sued"]}')] == ["sued"]


@pytest.mark.parametrize(
    ("answer", "texts", "error"),
    [
        ("", [], "the answer cannot be read: empty"),
        ("nothing found", [], "the answer cannot be read: no JSON object"),
        ('{"a": ["Ada", "B', ["Ada"], "the answer was cut off"),
        ("{'a': ['Ada']}", ["Ada"], None),  # its meaning is plain
        ('```json\n{"a": ["Ada"]}\n```', ["Ada"], None),
        ('{"a": "Ada", "a": ["Bo"]}', ["Ada", "Bo"], None),
        ('{"a": ["Ada", {"age": 3}, null, ""]}', ["Ada"], None),
        ('[{"entity": "Ada", "entity_type": "a"}]', ["Ada"], None),
        (Answer("", "the model is gone"), [], "the model is gone"),
        (Answer('{"a": ["Ada"]}', cut=True), ["Ada"], "the answer was cut off"),
        ('{"a": ["\\ud83d"]}', [], None),  # half of a pair, which no file could hold
    ],
)
def test_what_can_be_read_of_a_bad_answer_is_kept_and_the_rest_is_said(answer, texts, error):
    found = extracted("ner", ["a"], "Ada met Bo", answer)
    assert [m.text for m in found if m.text != "B"] == texts
    assert found.error == error
    assert str(found.as_dict()).encode()


def test_labels_and_roles_that_were_not_asked_are_left_out_and_named():
    found = extracted("ner", ["a"], "Ada", '{"a": [], "b": ["Ada"], "c": []}')
    assert (found.results, found.lost) == ((), ('label "b" was not asked: "Ada"',))
    answer = '{"sue": [{"trigger": "sued", "arguments": {"judge": "Bo"}}]}'
    found = extracted("ee", SUE, "Bo sued", answer)
    assert found[0].arguments == ()
    assert found.lost == ('role "judge" of "sue" was not asked: "Bo"',)


def test_confidence_is_the_geometric_mean_of_the_tokens_of_a_mention():
    # The brackets are certain; A 0.5 and da 0.125: mean (0.5 * 0.125) ** (1/2) = 0.25, minimum 0.125
    answer = sure('{"a": ["Ada"]}', ("A", 0.5), ("da", 0.125))
    (mention,) = extracted("ner", ["a"], "Ada", answer)
    assert (mention.confidence, mention.minimum) == (0.25, 0.125)
    # of a relation over both ends: (0.5 * 0.5 * 0.125 * 0.125) ** (1/4)
    text = '{"r": [{"subject": "Ada", "object": "Bo"}]}'
    (relation,) = extracted("re", ["r"], "Ada Bo", sure(text, ("Ad", 0.5), ("a", 0.125), ("B", 0.5), ("o", 0.125)))
    assert (relation.confidence, relation.minimum) == (0.25, 0.125)


def test_a_repeated_mention_has_the_confidence_of_its_own_place_in_the_answer():
    answer = sure('{"a": ["Bo", "Bo"], "b": ["Bo"]}', ("Bo", 0.5), ("Bo", 0.25), ("Bo", 0.125))
    found = extracted("ner", ["a", "b"], "Bo Bo", answer, places="model")
    assert [(m.label, m.start, m.confidence) for m in found] == [("a", 0, 0.5), ("b", 0, 0.125), ("a", 3, 0.25)]


def test_escaped_and_split_characters_belong_to_their_mention():
    text = '{"a": ["\\"X\\" 😀"]}'
    at = text.index("😀")
    # 😀 is spelt by two tokens, of which the first ends no character
    tokens = (Token(0, 8, 0.0), Token(8, at, math.log(0.5)), Token(at, at, math.log(0.5)))
    tokens += (Token(at, at + 1, math.log(0.5)), Token(at + 1, len(text), 0.0))
    (mention,) = extracted("ner", ["a"], 'the "X" 😀', Answer(text, tokens=tokens))
    assert (mention.text, mention.start, mention.confidence) == ('"X" 😀', 4, 0.5)


def test_results_below_the_least_confidence_are_left_out_and_named():
    answer = sure('{"a": ["Ada", "Bo"]}', ("Ada", 0.5), ("Bo", 0.25))
    found = extracted("ner", ["a"], "Ada Bo", answer, min_confidence=0.4)
    assert [m.text for m in found] == ["Ada"]
    assert found.lost == ('below 0.4 in confidence: "Bo" (a, 0.25)',)
    text = '{"sue": [{"trigger": "sued", "arguments": {"plaintiff": "Ada", "place": "Ulm"}}]}'
    answer = sure(text, ("sued", 0.9), ("Ada", 0.8), ("Ulm", 0.1))
    (event,) = extracted("ee", SUE, "Ada sued in Ulm", answer, min_confidence=0.5)
    assert [a.text for a in event.arguments] == ["Ada"]


def test_what_has_no_confidence_is_not_left_out():
    assert len(extracted("ner", ["a"], "Ada", '{"a": ["Ada"]}', min_confidence=0.9)) == 1


def test_labels_at_one_place_are_kept_or_the_best_of_them():
    answer = sure('{"a": ["Bo"], "b": ["Bo"]}', ("Bo", 0.25), ("Bo", 0.5))
    assert [m.label for m in extracted("ner", ["a", "b"], "Bo", answer)] == ["a", "b"]
    found = extracted("ner", ["a", "b"], "Bo", answer, conflicts="best")
    assert [m.label for m in found] == ["b"]
    assert found.lost == ('label "a" at the place of "b", which is surer: "Bo"',)
    without = extracted("ner", ["a", "b"], "Bo", '{"a": ["Bo"], "b": ["Bo"]}', conflicts="best")
    assert [m.label for m in without] == ["a"]  # the one that was asked first


def test_batches_of_labels_are_put_together_and_say_which_answer_failed():
    answers = ['{"a": ["Bo"]}', "…", Answer("", "lost"), '{"d": ["Ada"]}']
    found = extracted("ner", ["a", "b", "c", "d"], "Ada Bo", *answers, split_num=1)
    assert [m.label for m in found] == ["d", "a"]  # in the order of the text
    assert found.raw == ('{"a": ["Bo"]}', "…", "", '{"d": ["Ada"]}')
    assert found.error == "the answer cannot be read: no JSON object (2 of 4 answers); lost (3 of 4 answers)"


def test_an_event_type_whose_roles_were_asked_in_pieces_is_one_event():
    roles = [f"role {number:02} {'x' * 40}" for number in range(6)]
    schema = Schema(types=("sue",), roles={"sue": tuple(roles)})
    asker = QuestionBuilder(TASKS["ee"], schema, "en", ExtractionOptions(max_prompt_tokens=900), count=len)
    questions = asker.questions("Ada sued Bo. Cai sued Dora. " + "And so on. " * 20)
    asked = [question.entries["sue"]["arguments"] for question in questions if question.window == 0]
    assert len(asked) > 1
    assert sum(asked, []) == roles
    answers = []
    for question in questions:
        first, *_ = question.entries["sue"]["arguments"]
        events = [{"trigger": "sued", "arguments": {first: name}} for name in ("Ada", "Cai")]
        answers.append(Answer(str({"sue": events if question.window == 0 else []}).replace("'", '"')))
    document = Document("Ada sued Bo. Cai sued Dora. " + "And so on. " * 20, task="ee", language="en")
    found = extraction_of(document, questions, answers)
    assert [(event.trigger.start, len(event.arguments)) for event in found] == [(4, len(asked)), (17, len(asked))]
