"""PubTator."""

from .conftest import entities, relations

DOCUMENT = """8701013|t|Famotidine and delirium
8701013|a|Delirium was seen. Famotidine was stopped.
8701013\t0\t10\tFamotidine\tChemical\tD015738
8701013\t15\t23\tdelirium\tDisease\tD003693
8701013\t24\t32\tDelirium\tDisease\tD003693
8701013\t43\t53\tFamotidine\tChemical\tD015738
8701013\tCID\tD015738\tD003693
"""


def test_title_and_abstract_are_one_text_and_concepts_meet_where_they_are_nearest(reader):
    first, second = reader(DOCUMENT + "\n" + DOCUMENT.replace("8701013", "7"), "cdr.txt")
    assert first == second
    assert first["text"] == "Famotidine and delirium Delirium was seen. Famotidine was stopped."
    assert entities(first)[1] == ("delirium", "Disease")
    assert relations(first) == [("Famotidine", "CID", "delirium")]
    assert reader.format("cdr.txt") == "pubtator"
    assert not reader.losses


def test_concepts_without_mentions_and_broken_lines_are_counted(reader):
    broken = "1|t|Ulm\n1|a|\n1\t0\t3\tUlm\n1\tCID\tD1\tD2\n"
    (record,) = reader(broken, "x.pubtator")
    assert record["relation"] == record["entity"] == []
    assert sorted(reader.kinds) == ["a broken line", "a relation between concepts without mentions"]
