"""What is written in a format and read again comes back, less what the writer counted, exactly."""

import json
import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile_dataset.exchange import FORMATS, WRITERS, read, write

CORPUS = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[4] / "shared")) / "corpus"
SOURCES = sorted(CORPUS.glob("IE-*/*/*"))
LINES = int(os.environ.get("IEPILE_ROUND_TRIP_LINES", "150"))
FEW = list({source.parent.name: source for source in SOURCES}.values())  # one a task, always
KEYS = {"NER": "entity", "RE": "relation", "EE": "event"}
# One loss for each annotated unit that is missing; others are said of a unit that is kept, or of a whole record.
RECORD_LOSSES = {"a text of several lines", "a text without tokens", "a text with CR LF line ends"}


def without_places(value):
    if isinstance(value, dict):
        return {key: without_places(part) for key, part in value.items() if not key.endswith(("start", "end"))}
    return [without_places(part) for part in value] if isinstance(value, list) else value


def plain(item, places):
    """A unit with one spelling of what may be left out."""
    item = item if places else without_places(item)
    if "event_type" in item:
        item = {**item, "event_trigger": item.get("event_trigger") or "", "arguments": item.get("arguments") or []}
    return item


def units(record, key, places=False):
    """Annotated units, without places unless asked; an event's arguments in any order."""
    items = [plain(item, places) for item in record.get(key) or ()]
    for item in items:
        if "arguments" in item:
            item["arguments"] = sorted(item["arguments"], key=lambda part: sorted(map(str, part.items())))
    return Counter(json.dumps(item, sort_keys=True, ensure_ascii=False) for item in items)


def round_trip(records, key, form, folder):
    """(records that came back, losses by record number)"""
    losses = {}
    path = folder / ("brat" if form == "brat" else f"data{FORMATS[form].suffix}")
    write(records, path, form, on_loss=lambda loss: losses.setdefault(loss.line, []).append(loss))
    problems = []
    back = list(read(path, on_loss=problems.append))
    assert not [problem for problem in problems if problem.is_record]
    return back, losses


def check(records, key, form, folder):
    back, losses = round_trip(records, key, form, folder)
    whole = {line for line, some in losses.items() if any(loss.kind in RECORD_LOSSES for loss in some)}
    kept = [(number, record) for number, record in enumerate(records, 1) if number not in whole]
    assert len(back) == len(kept)
    for (number, record), again in zip(kept, back):
        assert again["text"] == record["text"]
        missing = units(record, key) - units(again, key)
        assert not units(again, key) - units(record, key)
        assert missing.total() == len(losses.get(number, ())), (number, missing, losses.get(number))
        if "start" in json.dumps([list(item) for item in record[key]]):
            assert not units(again, key, places=True) - units(record, key, places=True)
        for item in again.get(key) or ():
            if "start" in item:
                mention = item.get("entity", item.get("event_trigger"))
                assert again["text"][item["start"] : item["end"]] == mention


def records_of(source, key, lines):
    for file in sorted(source.glob("*.json")):
        if file.stem in ("train", "dev", "test"):
            with file.open(encoding="utf-8") as data:
                for line in islice(data, lines or None):
                    record = json.loads(line)
                    # Defects of the corpus itself are counted as lost by any writer; see `record_check`.
                    yield {"text": record["text"], key: record.get(key) or []}


@pytest.mark.parametrize(
    ("source", "form"),
    [
        pytest.param(source, form, id=f"{source.name}-{form}", marks=() if source in FEW else pytest.mark.slow)
        for source in SOURCES
        for form in WRITERS
        if KEYS[source.parent.name] in FORMATS[form].holds
    ],
)
def test_a_real_source_comes_back_from_every_format_that_holds_it(source, form, tmp_path):
    key = KEYS[source.parent.name]
    check(list(records_of(source, key, LINES)), key, form, tmp_path)


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("ab 一二😀\n"),
    min_size=1,
    max_size=40,
)
LABELS = st.sampled_from(["person", "born in", "地点", "a_b", "a b", "B-x", "x2", "x"])


@st.composite
def annotated(draw, kind):
    """A record whose mentions stand anywhere in its text, nested, overlapping and repeated."""
    text = draw(TEXTS.filter(lambda text: text.strip() and not text.startswith("\ufeff")))
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 12)).map(
        lambda place: (place[0], min(sum(place), len(text)))
    )
    places = places.filter(lambda place: text[slice(*place)].strip())

    def mention(field, prefix=""):
        start, end = draw(places)
        return {field: text[start:end], f"{prefix}start": start, f"{prefix}end": end}

    items = []
    for _ in range(draw(st.integers(0, 4)) if any(map(str.strip, text)) else 0):
        if kind == "entity":
            items.append({**mention("entity"), "entity_type": draw(LABELS)})
        elif kind == "relation":
            types = {name: draw(LABELS) for name in ("head_type", "tail_type") if draw(st.booleans())}
            items.append({**mention("head", "head_"), **mention("tail", "tail_"), "relation": draw(LABELS), **types})
        else:
            arguments = [{**mention("argument"), "role": draw(LABELS)} for _ in range(draw(st.integers(0, 3)))]
            trigger = mention("event_trigger") if draw(st.integers(0, 4)) else {"event_trigger": ""}
            items.append({**trigger, "event_type": draw(LABELS), "arguments": arguments})
    return {"text": text, kind: items}


@pytest.mark.parametrize(("form", "kind"), [(form, kind) for form in WRITERS for kind in FORMATS[form].holds])
def test_whatever_is_annotated_comes_back_or_is_counted(form, kind, tmp_path_factory):
    @given(st.lists(annotated(kind), min_size=1, max_size=4))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def test(records):
        # A format is told by its content: one text is annotated for certain.
        first = {"entity": [{"entity": "Ulm", "entity_type": "city"}], "relation": [{"head": "Ulm", "tail": "In", "relation": "is"}],
                 "event": [{"event_trigger": "In", "event_type": "move", "arguments": []}]}  # fmt: skip
        check([{"text": "In Ulm", kind: first[kind]}, *records], kind, form, tmp_path_factory.mktemp("data"))

    test()


@pytest.mark.parametrize("mention", [(0, 4), (0, 3), (0, 5), (2, 4), (2, 6)])
def test_brat_keeps_line_breaks_at_the_ends_of_a_mention(mention, tmp_path):
    text, (start, end) = "\nab\n\n", mention
    text += "c"
    item = {"entity": text[start:end], "start": start, "end": end, "entity_type": "person"}
    check([{"text": text, "entity": [item]}], "entity", "brat", tmp_path)
