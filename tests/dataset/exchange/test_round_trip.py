"""What is written in a format and read again comes back, less what the writer counted, exactly."""

import json
import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from iepile_dataset.exchange import FORMATS, WRITERS, read, write

CORPUS = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[4] / "shared")) / "corpus"
SOURCES = sorted(CORPUS.glob("IE-*/*/*"))
LINES = int(os.environ.get("IEPILE_ROUND_TRIP_LINES", "150"))
KEYS = {"NER": "entity", "RE": "relation", "EE": "event"}
# One loss for each annotated unit that is missing; others are said of a unit that is kept, or of a whole record.
RECORD_LOSSES = {"a text of several lines", "a text without tokens", "a text with CR LF line ends"}


def without_places(value):
    if isinstance(value, dict):
        return {key: without_places(part) for key, part in value.items() if not key.endswith(("start", "end"))}
    return [without_places(part) for part in value] if isinstance(value, list) else value


def plain(item):
    """A unit without places, and with one spelling of what may be left out."""
    item = without_places(item)
    if "event_type" in item:
        item = {**item, "event_trigger": item.get("event_trigger") or "", "arguments": item.get("arguments") or []}
    return item


def units(record, key):
    """Annotated units; an event's arguments in any order."""
    items = [plain(item) for item in record.get(key) or ()]
    for item in items:
        if "arguments" in item:
            item["arguments"] = sorted(item["arguments"], key=lambda part: (part["role"], part["argument"]))
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


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_real_source_comes_back_from_every_format_that_holds_it(source, form, tmp_path):
    key = KEYS[source.parent.name]
    if key not in FORMATS[form].holds:
        pytest.skip(f"{form} holds no {key}")
    check(list(records_of(source, key, LINES)), key, form, tmp_path)


@pytest.mark.skipif(bool(SOURCES), reason="the corpus is there")
def test_the_corpus_is_there():
    pytest.skip(f"no corpus in {CORPUS}")
