"""What is found is what the reference validator finds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from iepile_dataset.corpus.record_check import problems
from iepile_dataset.schema import Schema
from iepile_dataset.validation.shapes import defects, format_schema

from .conftest import row

_words = st.sampled_from(["a", "b", "", "NAN", " ", "ab"])
_any = st.one_of(_words, st.none(), st.integers(0, 1), st.just([]), st.just({}), st.just(["a"]))
_argument = st.dictionaries(st.sampled_from(["argument", "role"]), _any, max_size=2)
_items = {
    "entity": st.fixed_dictionaries({}, optional={"entity": _any, "entity_type": _any}),
    "relation": st.fixed_dictionaries({}, optional=dict.fromkeys(("head", "relation", "tail", "head_type"), _any)),
    "event": st.fixed_dictionaries(
        {"event_type": _any}, optional={"event_trigger": _any, "arguments": st.one_of(_any, st.lists(_argument, max_size=2))}
    ),
}  # fmt: skip
_SCHEMA = Schema(types=("a", "b"), relations=("a",), roles={"a": ("a", "b")})


@pytest.mark.parametrize("key", _items)
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_record_has_defects_where_the_reference_validator_finds_some_and_any_label_passes_without_a_schema(key, data):
    items = st.one_of(_any, st.lists(st.one_of(_items[key], _any), max_size=2))
    record = data.draw(st.one_of(_any, st.fixed_dictionaries({"text": _any}, optional={key: items, "id": _any})))
    fits = Draft202012Validator(format_schema(key)).is_valid(record)
    assert fits is (not list(defects(record, key)))
    meant = list(problems(record, key, None))
    assert [finding for finding in problems(record, key, _SCHEMA) if "is not in the schema" not in finding[0]] == meant
    assert not (fits and any("does not occur" not in reason and "is empty" not in reason for reason, _ in meant))


@pytest.mark.parametrize("name", ["row", "prediction", "original", "raw"])
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_row_has_defects_where_the_reference_validator_finds_some(name, data):
    value = dict(row(**data.draw(st.dictionaries(st.sampled_from(sorted(row())), _any, max_size=2))))
    value["record"] = data.draw(_any)
    for column in data.draw(st.lists(st.sampled_from(sorted(row())), max_size=2)):
        value.pop(column, None)
    value["id"] = data.draw(st.sampled_from([value.get("id"), "en/NER/x/train:0", "zh/EE/a/b/test:12"]))
    assert Draft202012Validator(format_schema(name)).is_valid(value) is (not list(defects(value, name)))
