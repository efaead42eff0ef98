"""From texts to typed results with a model that has learnt some sentences by heart."""

import json

import pytest

from iepile_dataset import DataError, Schema
from iepile_trainer import Extractor, TrainerError
from iepile_trainer.engines import EngineOptions
from iepile_trainer.engines.transformers_engine import TransformersEngine
from iepile_trainer.extraction.documents import Document
from iepile_trainer.extraction.results import Event, Extraction, Mention, Relation

from ...sentences import ADA, BO, HOMES, LEARNT, SUED, SUITS, ZH, rows_of


@pytest.fixture(scope="module")
def run_folder(by_heart):
    """A model that answers the sentences of LEARNT, saved as a run leaves it."""
    return str(by_heart(rows_of(*LEARNT)))


@pytest.fixture(scope="module")
def extract(run_folder):
    return Extractor.from_pretrained(run_folder, max_new_tokens=64)


def brief(found):
    return [(result.label, result.text, result.start, result.end) for result in found]


def test_entities_come_with_their_places_and_how_sure_the_model_is(extract):
    found = extract(ADA, schema=["person", "place"], task="ner")
    assert brief(found) == [("person", "Ada Bell", 0, 8), ("place", "Rome", 18, 22)]
    assert found.raw == ('{"person": ["Ada Bell"], "place": ["Rome"]}',)
    assert (found.text, found.task, found.language, found.error, found.lost) == (ADA, "ner", "en", None, ())
    for mention in found:
        assert isinstance(mention, Mention)
        assert found.text[mention.start : mention.end] == mention.text
        assert 0.5 < mention.minimum <= mention.confidence < 1  # it was learnt, and nothing is certain


def test_the_language_of_the_prompt_follows_the_text_unless_it_is_given(extract):
    found = extract(ZH, ["person", "place"])
    assert found.language == "zh"
    assert {(label, text) for label, text, _, _ in brief(found)} == {("person", "小明"), ("place", "北京")}
    assert all(ZH[start:end] == text for _, text, start, end in brief(found))
    assert extract(ADA, ["person", "place"], language="zh").language == "zh"
    with pytest.raises(DataError, match="language='fr' is unknown"):
        extract(ADA, ["person"], language="fr")


def test_relations_and_events_are_typed_results(extract):
    (relation,) = extract(ADA, ["lives in"], "RE")
    assert isinstance(relation, Relation)
    assert brief([relation.head, relation.tail]) == [("", "Ada Bell", 0, 8), ("", "Rome", 18, 22)]
    (event,) = extract(SUED, {"lawsuit": ["plaintiff", "place"]}, "ee")
    assert isinstance(event, Event)
    assert brief([event.trigger, *event.arguments]) == [
        ("lawsuit", "sued", 9, 13),
        ("plaintiff", "Ada Bell", 0, 8),
        ("place", "Rome", 17, 21),
    ]
    assert event.confidence == event.trigger.confidence


def test_a_batch_has_one_schema_or_one_for_each_text(extract):
    labels = ["person", "place"]
    both = extract([ADA, BO], labels)
    assert [brief(found) for found in both] == [brief(extract(text, labels)) for text in (ADA, BO)]
    each = extract([ADA, ZH, BO], [labels, {"types": labels}, Schema(types=("person", "place"))])
    assert [found.text for found in each] == [ADA, ZH, BO]
    assert [found[0].text for found in each] == ["Ada Bell", "小明", "Bo Cane"]
    for schemas in ([labels], [labels] * 3):
        with pytest.raises(DataError, match="give one for each text"):
            extract([ADA, BO], schemas)
    assert extract([], labels) == []


def test_a_stream_is_read_no_further_than_the_model_needs(run_folder):
    extract = Extractor.from_pretrained(run_folder, max_new_tokens=64, batch_size=2)
    read = []

    def texts():
        for number in range(1000):
            read.append(number)
            yield (ADA, BO)[number % 2]

    found = extract.stream(texts(), ["person", "place"])
    assert [next(found)[0].text for _ in range(3)] == ["Ada Bell", "Bo Cane", "Ada Bell"]
    assert len(read) < 100
    found.close()


def test_documents_of_different_tasks_share_a_batch(extract):
    documents = [
        Document(ADA, HOMES, "ner"),
        Document(ADA, HOMES, "re"),
        Document("", HOMES),
        Document(SUED, SUITS, "ee"),
    ]
    kinds = [[type(result).__name__ for result in found] for found in extract.answer(documents)]
    assert kinds == [["Mention", "Mention"], ["Relation"], [], ["Event"]]


@pytest.mark.parametrize("text", ["", " \n\t\u3000"])
def test_an_empty_text_is_an_error_of_its_own_extraction(extract, text):
    first, empty, last = extract([ADA, text, BO], ["person", "place"])
    assert (first.error, empty.error, last.error) == (None, "the text is empty", None)
    assert (len(first), len(empty), len(last)) == (2, 0, 2)


def test_what_is_no_text_is_an_error_of_its_own_extraction(extract):
    assert [found.error for found in extract([None, ADA], ["person", "place"])] == [
        "the text is NoneType, no string",
        None,
    ]


@pytest.mark.parametrize(
    ("schema", "task", "reason"),
    [
        ([], "ner", "no labels for NER"),
        ([""], "ner", "is not a non-empty string"),
        ([3], "ner", "is not a non-empty string"),
        (5, "ner", "is no schema"),
        (["in"], "spo", "no labels for SPO"),
        (["a"], "nre", 'unknown task "nre"'),
        ("no/such/schema.json", "ner", "no such schema file"),
        ("/dev/zero", "ner", "is a pipe, a socket or a device"),
        ({"sue": 5}, "ee", "give description, aliases or examples"),
        ({"city": {"description": True}}, "ner", "city: the description is True .a text; quote it"),
        ({"city": {"examples": [1871]}}, "ner", r"city: examples are \[1871\] .a list of texts; quote each"),
    ],
)
def test_a_wrong_schema_or_task_is_said_at_once(extract, schema, task, reason):
    with pytest.raises(DataError, match=reason):
        extract(ADA, schema, task)


def test_a_schema_may_be_a_file_or_labels_with_commas(extract, tmp_path):
    (tmp_path / "schema.yaml").write_text("types: {person: {description: a human}, place: {description: a town}}")
    expected = brief(extract(ADA, ["person", "place"]))
    for schema in (
        tmp_path / "schema.yaml",
        str(tmp_path),
        "person, place",
        '{"person": "a human", "place": "a town"}',
    ):
        assert brief(extract(ADA, schema)) == expected


def test_wrong_options_are_named(run_folder):
    for options, reason in (
        ({"min_confidence": 2}, "--min_confidence 2 is out of range"),
        ({"conflicts": "all"}, "conflicts='all' is unknown"),
        ({"batchsize": 2}, "unexpected keyword argument 'batchsize'"),
        ({"engine": "onnx"}, "engine='onnx' is unknown"),
        ({"adapter": run_folder}, "is no adapter"),
    ):
        with pytest.raises(TrainerError, match=reason):
            Extractor.from_pretrained(run_folder, **options)


def test_an_extraction_is_plain_json(extract):
    found = extract(SUED, {"lawsuit": ["plaintiff", "place"]}, "ee").as_dict()
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["text", "task", "language", "extractions", "raw", "error", "lost"]
    assert list(found["extractions"][0]) == ["label", "trigger", "arguments", "confidence"]
    assert list(found["extractions"][0]["trigger"]) == ["label", "text", "start", "end", "confidence"]


def test_extract_may_be_called_from_several_threads(extract):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: brief(extract(text, ["person", "place"])), [ADA, BO, ZH] * 5))
    assert found == [brief(extract(text, ["person", "place"])) for text in (ADA, BO, ZH)] * 5


def test_constrained_answers_quote_the_text_whatever_the_model(small_model, tokenizer):
    """A model that knows nothing, held to the text: every mention has a place."""
    engine = TransformersEngine(
        small_model(tokenizer), tokenizer, EngineOptions(max_new_tokens=24, constrain="extractive", confidence=True)
    )
    engine.room = 4096  # its positions are relative: longer prompts than it has seen do no harm here
    found = Extractor(engine)("Ada Bo lives in Rome.", ["person", "place"])
    assert all(found.text[mention.start : mention.end] == mention.text for mention in found)
    assert found.raw[0].startswith('{"person": [')


def test_columns_and_tables_with_texts_are_taken_and_what_holds_none_is_refused(extract):
    import pandas
    from datasets import Dataset

    for table in (pandas.DataFrame({"id": [1], "text": [ADA]}), Dataset.from_dict({"id": [1], "text": [ADA]})):
        assert extract(table, ["person"]) == extract(table["text"], ["person"]) == extract([ADA], ["person"])
        with pytest.raises(DataError, match='the table has no column "text", only id'):
            extract(table[["id"]] if hasattr(table, "iloc") else table.remove_columns("text"), ["person"])
    with pytest.raises(DataError, match="dict is no text"):
        extract({"text": ADA}, ["person"])
    assert extract(ADA, {"person": "somebody's name"}) == extract(ADA, ["person"])


def test_an_extraction_prints_as_a_table_and_shows_its_text_in_a_notebook(extract):
    assert str(extract(ADA, ["person", "place"])).splitlines()[0].split("  ")[:2] == ["person", "Ada Bell [0:8]"]
    assert str(extract(SUED, {"lawsuit": ["plaintiff", "place"]}, "ee")).startswith(
        "lawsuit  sued [9:13]; plaintiff: Ada Bell [0:8]; place: Rome [17:21]"
    )
    assert str(extract(ADA, ["lives in"], "re")).startswith("lives in  Ada Bell [0:8] → Rome [18:22]")
    assert str(extract(["", ADA], ["person"])[0]) == "nothing\nerror: the text is empty"
    page = extract(ADA, ["person", "place"])._repr_html_()
    assert "<mark>Ada Bell <small>person</small></mark>" in page
    assert "&lt;b&gt;" in Extraction("<b>", "ner", "en")._repr_html_()
