"""Texts and mentions are made uniform alike."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile_dataset.cleaning.clean import clean
from iepile_dataset.cleaning.normalise import normalise, normalise_record, normalise_text

from .conftest import CITY, record


def test_texts_and_mentions_are_normalised_alike(cleaned):
    done, folder = cleaned(
        "normalise",
        train=[
            record(" Cafe\u0301\u3000in  Bad  Urach\r\n", {"entity": "Bad  Urach", "entity_type": "city"}),
            record("Cafe\u0301", {"entity": "e", "entity_type": "city"}),  # would be lost: stays as it is
            record("In Ulm", CITY),
        ],
    )
    kept = [json.loads(line) for line in (folder / "train.json").open(encoding="utf-8")]
    assert kept[0] == record("Café in Bad Urach", {"entity": "Bad Urach", "entity_type": "city"})
    assert kept[1]["text"] == "Cafe\u0301"
    assert (done.total("normalised"), done.total("unnormalised")) == (1, 1)


def test_labels_and_other_fields_are_never_normalised(source, tmp_path):
    items = [{"event_trigger": "sued  ", "event_type": "a  b", "arguments": [{"argument": "Bo\u00a0", "role": "x  y"}]}]
    source(
        tmp_path / "in/IE-en/EE/x",
        '["a  b"]\n["x  y"]\n{"a  b": ["x  y"]}',
        train=[{"id": "1  2", "text": "Bo\u00a0sued  Ada", "event": items}],
    )
    clean(tmp_path / "out", str(tmp_path / "in"))
    (line,) = (tmp_path / "out/IE-en/EE/x/train.json").read_text("utf-8").splitlines()
    assert json.loads(line) == {
        "id": "1  2",
        "text": "Bo sued Ada",
        "event": [{"event_trigger": "sued ", "event_type": "a  b", "arguments": [{"argument": "Bo ", "role": "x  y"}]}],
    }


_letters = st.text(alphabet="ae\u0301\u0308 \u00a0\u3000\n\r\t\u2028乌姆\u2126\ufb01\uac00\u1100\u1161.", max_size=12)


@given(_letters, st.lists(st.tuples(st.integers(0, 12), st.integers(1, 12)), max_size=3))
@settings(deadline=None, max_examples=300)
def test_every_mention_that_was_found_before_is_found_after(text, spans):
    mentions = [text[start : start + length] for start, length in spans if text[start : start + length]]
    before = record(text, *({"entity": mention, "entity_type": "a"} for mention in mentions))
    after = normalise_record(before, "entity")
    if after is not None:
        assert all(item["entity"] in after["text"] for item in after["entity"])
        assert normalise_record(after, "entity") == after
    elif not mentions:
        pytest.fail("nothing could be lost")


@given(st.text())
@settings(deadline=None)
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)
    assert normalise_text(normalise_text(text)) == normalise_text(text)
