"""Sentences with their annotation that a small model learns by heart, see the fixture `by_heart`."""

from typing import Any

from iepile_dataset import Schema, instructions

HOMES = Schema(
    types=("person", "place"),
    relations=("lives in",),
    triples={"person_lives in_place": ("person", "lives in", "place")},
)
SUITS = Schema(types=("lawsuit",), roles={"lawsuit": ("plaintiff", "place")})
ADA, BO, ZH, SUED = (
    "Ada Bell lives in Rome.",
    "Bo Cane lives in Oslo.",
    "小明住在北京，小明爱北京。",
    "Ada Bell sued in Rome.",
)


def entities(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"entity": mention, "entity_type": label} for mention, label in pairs]


LEARNT = (
    (ADA, HOMES, "ner", "en", entities(("Ada Bell", "person"), ("Rome", "place"))),
    (BO, HOMES, "ner", "en", entities(("Bo Cane", "person"), ("Oslo", "place"))),
    (ZH, HOMES, "ner", "zh", entities(("小明", "person"), ("北京", "place"))),
    (ADA, HOMES, "re", "en", [{"head": "Ada Bell", "relation": "lives in", "tail": "Rome"}]),
    (
        SUED,
        SUITS,
        "ee",
        "en",
        [
            {
                "event_type": "lawsuit",
                "event_trigger": "sued",
                "arguments": [{"role": "plaintiff", "argument": "Ada Bell"}, {"role": "place", "argument": "Rome"}],
            }
        ],
    ),
)


def rows_of(*learnt: Any) -> list[dict[str, str]]:
    """Rows of (text, schema, task, language, annotation)."""
    return [row for text, schema, *task, items in learnt for row in instructions(text, items, schema, *task)]
