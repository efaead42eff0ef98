"""Anything at all, as JSON; `make fuzz` tries more of it: IEPILE_FUZZ is the number of examples of each test."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FUZZ = settings(
    max_examples=int(os.environ.get("IEPILE_FUZZ", "20")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WORDS = st.sampled_from(
    [
        "text",
        "entity",
        "entity_type",
        "relation",
        "head",
        "tail",
        "event",
        "event_trigger",
        "event_type",
        "arguments",
        "argument",
        "role",
        "types",
        "relations",
        "roles",
        "triples",
        "start",
        "end",
        "id",
        "tokens",
        "ner_tags",
        "spans",
        "label",
        "labels",
        "Ulm",
        "city",
        "\x00",
        "张三",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text()
JSON = st.recursive(LEAVES, lambda part: st.lists(part) | st.dictionaries(WORDS | st.text(), part), max_leaves=30)
