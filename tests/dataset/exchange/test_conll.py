"""CoNLL columns."""

import pytest

from iepile_dataset.errors import DataError
from iepile_dataset.exchange.reading import import_hint

from .conftest import entities

CONLL2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER
"""


def test_the_last_column_of_tags_is_read_and_the_other_is_named(reader):
    first, second = reader(CONLL2003, "eng.train")
    assert first["text"] == "EU rejects German call"
    assert entities(first) == [("EU", "ORG"), ("German", "MISC")]
    assert entities(second) == [("Peter Blackburn", "PER")]
    assert reader.format("eng.train") == "conll"
    assert reader.kinds == ["a second column of tags is not read"]
    assert "columns 2, 3 hold tags: 3 is read, 2 is not" in reader.losses[0].reason


def test_another_column_is_read_where_it_is_named(reader):
    _, second = reader(CONLL2003, "eng.train", columns={"tag": "2"})
    assert entities(second) == [("Peter Blackburn", "NP")]
    with pytest.raises(DataError, match="are no numbers"):
        reader(CONLL2003, "eng.train", columns={"tag": "ner"})


def test_chinese_characters_are_joined(reader):
    (record,) = reader(
        "张\tB-PER\n三\tE-PER\n在\tO\n北\tB-LOC\n京\tE-LOC\n用\tO\niPhone\tS-PRO\n1\tO\n5\tO\n。\tO\n\n", "weibo.bmes"
    )
    assert record["text"] == "张三在北京用iPhone 15。"
    assert entities(record) == [("张三", "PER"), ("北京", "LOC"), ("iPhone", "PRO")]


@pytest.mark.parametrize("tags", [
    "B-a I-a I-a O B-b", "I-a I-a I-a O I-b", "B-a I-a E-a O S-b", "B-a M-a E-a O S-b", "B-a I-a L-a O U-b",
    "B_a I_a I_a O B_b",
])  # fmt: skip
def test_all_schemes_say_the_same(reader, tags):
    (record,) = reader("".join(f"w{number} {tag}\n" for number, tag in enumerate(tags.split())), "x.txt")
    assert entities(record) == [("w0 w1 w2", "a"), ("w4", "b")]
    assert not reader.losses


def test_i_after_o_begins_a_mention_and_is_counted(reader):
    (record,) = reader("In O\nUlm I-city\nand O\nBonn B-city\n", "x.txt")
    assert entities(record) == [("Ulm", "city"), ("Bonn", "city")]
    assert reader.kinds == ["a tag that continues nothing begins a mention"]


def test_windows_line_ends_and_marks_of_byte_order_are_no_text(reader):
    content = "Ulm B-city\r\nlies O\r\n\r\nBonn B-city\r\n"
    for data in (b"\xef\xbb\xbf" + content.encode(), content.encode("utf-16")):
        assert [entities(record) for record in reader(data, "x.txt")] == [[("Ulm", "city")], [("Bonn", "city")]]


def test_a_sentence_with_a_broken_line_is_set_aside_with_its_line(reader):
    lines = "In O\nUlm B-city\n\nIn O\nBonn\n\n" + "It O\nrained O\n\n" * 10
    records = reader(lines, "x.txt")
    assert len(records) == 11
    (loss,) = reader.losses
    assert (loss.is_record, loss.line, loss.raw) == (True, 5, "In O\nBonn")


def test_a_stated_text_is_kept_as_it_is(reader):
    (record,) = reader("# text = Ulm,  Bonn\nUlm\tB-city\n,\tO\nBonn\tB-city\n", "x.conll")
    assert record["text"] == "Ulm,  Bonn"
    assert entities(record) == [("Ulm", "city"), ("Bonn", "city")]
    (record,) = reader("# text = another\nUlm\tB-city\n", "x.conll")
    assert (record["text"], reader.kinds) == ("Ulm", ["a stated text that its tokens do not make up"])


def test_a_hash_may_be_a_token(reader):
    first, second = reader("# O\nUlm B-city\n\nNo O\n# O\n", "x.txt")
    assert (first["text"], second["text"]) == ("# Ulm", "No #")


def test_a_short_file_is_known_though_one_of_its_lines_is_broken(reader):
    (record,) = reader("Ada\tB-PER\nmoved\nOslo\tB-LOC\n\nUlm\tB-LOC\n", "a.txt")
    assert reader.format("a.txt") == "conll"
    assert record["text"] == "Ulm"
    assert reader.kinds == ["a sentence with a broken line"]
    (tmp := reader.folder / "b.txt").write_text("It rained\nall day\nin\nUlm and elsewhere.\n")
    assert import_hint(tmp) == ""
