"""Files as other tools write them, read through the front."""

import json

import pytest

from iepile_dataset.exchange import read
from iepile_dataset.exchange.files import data_files
from iepile_dataset.exchange.registry import detect


class Reader:
    """Writes a file and reads it; `losses` are those of the last file."""

    def __init__(self, folder):
        self.folder, self.losses = folder, []

    def __call__(self, content, name="data.json", **options):
        """Records of a file; what is no text is written as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)).encode()
        path.write_bytes(content)
        self.losses = []
        return list(read(path, on_loss=self.losses.append, **options))

    def format(self, name="data.json"):
        return detect(data_files(self.folder / name)[0]).name

    @property
    def kinds(self):
        return [loss.kind for loss in self.losses]


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def entities(record):
    """(mention, type) of each entity, each standing where it says."""
    for item in record["entity"]:
        if "start" in item:
            assert record["text"][item["start"] : item["end"]] == item["entity"]
    return [(item["entity"], item["entity_type"]) for item in record["entity"]]


def relations(record):
    """(head, relation, tail) of each relation, its ends standing where they say."""
    for item in record["relation"]:
        for end in ("head", "tail"):
            if f"{end}_start" in item:
                assert record["text"][item[f"{end}_start"] : item[f"{end}_end"]] == item[end]
    return [(item["head"], item["relation"], item["tail"]) for item in record["relation"]]


def events(record):
    """(type, trigger, {(role, argument)}) of each event."""
    for item in record["event"]:
        for part, key in [(item, "event_trigger"), *((part, "argument") for part in item["arguments"])]:
            if "start" in part:
                assert record["text"][part["start"] : part["end"]] == part[key]
    return [
        (item["event_type"], item["event_trigger"], {(part["role"], part["argument"]) for part in item["arguments"]})
        for item in record["event"]
    ]
