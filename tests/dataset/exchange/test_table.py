"""Tables with named columns."""

import pytest

from iepile_dataset.errors import DataError

from .conftest import entities, events, relations


def test_a_mention_a_line(reader):
    table = 'text,entity,entity_type,start,end\n"Ada, of Ulm",Ada,PER,0,3\n"Ada, of Ulm",Ulm,LOC,8,11\n张三走了,张三,人物,,\n'
    first, second = reader(table, "a.csv")
    assert entities(first) == [("Ada", "PER"), ("Ulm", "LOC")]
    assert second["entity"] == [{"entity": "张三", "entity_type": "人物"}]
    assert reader.format("a.csv") == "table"


def test_columns_of_other_names(reader):
    table = "content;wort;art\nIn Ulm;Ulm;Ort\n"
    columns = {"text": "content", "entity": "wort", "entity_type": "art"}
    (record,) = reader(table, "a.csv", format="table", columns=columns)
    assert entities(record) == [("Ulm", "Ort")]
    with pytest.raises(DataError, match='no column "inhalt" among content, wort, art'):
        reader(table, "a.csv", format="table", columns={"text": "inhalt"})


def test_relations_and_events(reader):
    (record,) = reader("text\thead\trelation\ttail\nAda in Ulm\tAda\tin\tUlm\n", "a.tsv")
    assert relations(record) == [("Ada", "in", "Ulm")]
    (record,) = reader("text,trigger,event_type,argument,role\nAda sued,sued,lawsuit,Ada,plaintiff\n", "b.csv")
    assert events(record) == [("lawsuit", "sued", {("plaintiff", "Ada")})]


def test_a_token_a_line_where_the_sentence_is_named_once(reader):
    table = "Sentence #,Word,POS,Tag\nSentence: 1,In,IN,O\n,Ulm,NNP,B-geo\nSentence: 2,Bonn,NNP,B-geo\n"
    columns = {"id": "Sentence #", "token": "Word", "tag": "Tag"}
    records = reader(table, "ner.csv", format="table", columns=columns)
    assert [entities(record) for record in records] == [[("Ulm", "geo")], [("Bonn", "geo")]]


def test_json_objects(reader):
    (record,) = reader([{"text": "In Ulm", "entity": "Ulm", "entity_type": "LOC"}], format="table")
    assert entities(record) == [("Ulm", "LOC")]
