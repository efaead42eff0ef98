"""brat standoff."""

import pytest

from iepile_dataset.exchange import read, write

from .conftest import entities, events, relations

ANN = """T1\tOrganization 0 4\tSony
T2\tMERGE-ORG 10 21\tjoint venture
T3\tOrganization 25 33\tEricsson
T4\tCountry 37 43\tSweden
E1\tMERGE-ORG:T2 Org1:T1 Org2:T3
R1\tOrigin Arg1:T3 Arg2:T4
A1\tNegation E1
#1\tAnnotatorNotes T1\tsure
"""


def brat(folder, text, ann, name="doc-1"):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_bytes(text.encode())
    (folder / f"{name}.ann").write_bytes(ann.encode())
    return folder


def losses_and_records(folder):
    losses = []
    return losses, list(read(folder, on_loss=losses.append))


def test_entities_relations_and_events(tmp_path):
    text = "Sony sets joint venture by Ericsson in Sweden"
    ann = ANN.replace("10 21", "10 23").replace("25 33", "27 35").replace("37 43", "39 45")
    losses, (record,) = losses_and_records(brat(tmp_path / "a", text, ann))
    assert entities(record) == [("Sony", "Organization"), ("Ericsson", "Organization"), ("Sweden", "Country")]
    assert relations(record) == [("Ericsson", "Origin", "Sweden")]
    assert events(record) == [("MERGE-ORG", "joint venture", {("Org1", "Sony"), ("Org2", "Ericsson")})]
    assert [loss.kind for loss in losses] == ["an attribute, which our annotation has no place for"]


def test_a_mention_with_gaps_is_kept_in_parts(tmp_path):
    folder = brat(tmp_path / "a", "North and South America", "T1\tLOC 0 5;16 23\tNorth America\n")
    losses, (record,) = losses_and_records(folder)
    assert entities(record) == [("North", "LOC"), ("America", "LOC")]
    assert [loss.kind for loss in losses] == ["a mention with gaps, kept in parts"]


def test_a_mention_across_lines_is_one(tmp_path):
    folder = brat(tmp_path / "a", "In New\nYork now", "T1\tLOC 3 6;7 11\tNew York\n")
    losses, (record,) = losses_and_records(folder)
    assert entities(record) == [("New\nYork", "LOC")]
    assert not losses


def test_windows_line_ends_become_line_feeds_whatever_was_counted(tmp_path):
    for name, ann in (("a", "T1\tLOC 4 8\tBonn\n"), ("b", "T1\tLOC 5 9\tBonn\n")):
        losses, (record,) = losses_and_records(brat(tmp_path / name, "Ulm\r\nBonn", ann))
        assert (record["text"], entities(record)) == ("Ulm\nBonn", [("Bonn", "LOC")])
        assert [loss.kind for loss in losses] == (
            ["places in characters of CR LF line ends, converted"] if name == "b" else []
        )


def test_bytes_are_recognised_by_the_mentions(tmp_path):
    losses, (record,) = losses_and_records(brat(tmp_path / "a", "日本 Ulm", "T1\tLOC 7 10\tUlm\n"))
    assert entities(record) == [("Ulm", "LOC")]
    assert [loss.kind for loss in losses] == ["places in UTF-8 bytes, converted"]


def test_an_event_as_argument_is_kept_as_its_trigger(tmp_path):
    ann = "T1\tX 0 4\tAppeal\nT2\tY 8 12\tcase\nE1\tX:T1 About:E2\nE2\tY:T2\n".replace("0 4", "0 6").replace(
        "8 12", "7 11"
    )
    losses, (record,) = losses_and_records(brat(tmp_path / "a", "Appeal case", ann))
    assert events(record) == [("X", "Appeal", {("About", "case")}), ("Y", "case", set())]
    assert [loss.kind for loss in losses] == ["an event as argument, its trigger kept"]


def test_a_missing_text_and_broken_lines_are_said(tmp_path):
    folder = brat(tmp_path / "a", "Ulm", "T1 LOC 0 3 Ulm\nT2\tLOC 0 3\tUlm\n<<<< HEAD\n#1\tNote T2\tsure\n")
    (folder / "doc-2.ann").write_text("T1\tLOC 0 3\tUlm\n")
    losses, (record,) = losses_and_records(folder)
    assert entities(record) == [("Ulm", "LOC")]
    assert [(loss.kind, loss.file) for loss in losses] == [
        ("a broken line", "doc-1.ann"), ("a broken line", "doc-1.ann"), ("a file without its text", "doc-2.ann"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "roles", [["Theme", "Theme", "Theme2"], ["Theme2", "Theme", "Theme"], ["受害者", "受害者", "死者 人数"]]
)
def test_roles_and_labels_of_any_spelling_come_back(tmp_path, roles):
    arguments = [{"argument": "Ada", "role": role} for role in roles]
    record = {"text": "Ada fell", "event": [{"event_trigger": "fell", "event_type": "事故 x", "arguments": arguments}]}
    write([record] * 2, tmp_path / "out", "brat")
    _, records = losses_and_records(tmp_path / "out")
    for again in records:
        assert [part["role"] for part in again["event"][0]["arguments"]] == roles
        assert again["event"][0]["event_type"] == "事故 x"
    assert all(line.isascii() for line in (tmp_path / "out" / "annotation.conf").read_text().splitlines())
