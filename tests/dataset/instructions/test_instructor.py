import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile_dataset import DataError, Options, Schema
from iepile_dataset.instructions.instructor import Instructor
from iepile_dataset.instructions.sampling import batches
from iepile_dataset.tasks import TASKS

CITIES = Schema(types=tuple("abcdefghij"))
ITEMS = [{"entity": "T", "entity_type": "c"}, {"entity": "x", "entity_type": "h"}]


def asked(questions) -> list[list[str]]:
    return [json.loads(schema) for schema in questions.asked]


def labels_of(rows) -> list[str]:
    return [label for batch in asked(rows) for label in batch]


def rows(train=True, text="T x", items=ITEMS, **options):
    return Instructor(TASKS["ner"], CITIES, "en", train, Options(**options)).ask(text, items)


def test_validation_and_test_ask_every_label_in_schema_order():
    # 10 labels, at most 6 in one question: two batches of five.
    assert asked(rows(train=False, negatives="none")) == [list("abcde"), list("fghij")]


def test_training_asks_every_label_once_when_all_negatives_are_wanted():
    batches_asked = asked(rows(split_num=4))
    assert sorted([label for batch in batches_asked for label in batch]) == list("abcdefghij")
    assert [len(batch) for batch in batches_asked] == [4, 3, 3]


def test_no_negatives_leaves_the_labels_that_occur():
    assert sorted(labels_of(rows(negatives="none"))) == ["c", "h"]


def test_a_share_of_the_absent_labels_is_rounded_up():
    # 8 of 10 labels are absent; 0.3 of them is 2.4, so 3 are asked beside the 2 that occur.
    assert len(labels_of(rows(negatives=0.3))) == 5


def test_a_text_without_labels_gives_no_row_when_no_negatives_are_wanted():
    assert rows(items=[], negatives="none").asked == []


def test_sampling_depends_on_seed_epoch_and_content_and_on_nothing_else():
    assert rows(negatives=0.5) == rows(negatives=0.5)
    different = {
        str(asked(r)) for r in (rows(negatives=0.5), rows(negatives=0.5, seed=1), rows(negatives=0.5, epoch=1))
    }
    assert len(different) == 3
    assert asked(rows(negatives=0.5)) != asked(rows(text="T x, another text", negatives=0.5))


def test_positives_do_not_stand_before_or_behind_negatives():
    # Over many texts each of the 10 places holds the positive "c" about equally often: 400/10 = 40 expected.
    places = [0] * 10
    for number in range(400):
        order = labels_of(rows(text=f"T x {number}", split_num=-1))
        places[order.index("c")] += 1
    assert min(places) > 15
    assert max(places) < 75


def test_chosen_negatives_are_spread_over_the_labels():
    # One of 8 absent labels a text, 800 texts: 100 expected for each.
    seen = dict.fromkeys("abdefgij", 0)
    for number in range(800):
        for label in set(labels_of(rows(text=f"T x {number}", negatives=0.1))) - {"c", "h"}:
            seen[label] += 1
    assert sum(seen.values()) == 800
    assert min(seen.values()) > 60
    assert max(seen.values()) < 145


def test_eea_asks_the_gold_types_with_all_their_triggers():
    schema = Schema(types=("sue", "pay"), roles={"sue": ("place",), "pay": ()})
    items = [{"event_type": "sue", "event_trigger": t, "arguments": []} for t in ("sued", "suing")]
    asker = Instructor(TASKS["eea"], schema, "en", False, Options())
    questions = asker.ask("suing, she sued", items)
    assert asked(questions) == [[{"event_type": "sue", "trigger": ["suing", "sued"], "arguments": ["place"]}]]
    assert questions.outputs == ['{"sue": [{"place": "NAN"}]}']
    assert not asker.ask("nothing", []).asked
    assert not asker.ask("unlabelled", None).asked


def test_an_unlabelled_record_is_asked_everything_and_has_no_answer():
    made = rows(train=False, items=None)
    assert len(made.asked) == 2
    assert made.outputs == ["", ""]


@given(st.lists(st.text(min_size=1), unique=True, max_size=60), st.integers(1, 9))
def test_batches_hold_every_label_once_and_are_as_even_as_can_be(labels, split_num):
    cut = batches(labels, split_num)
    assert sum(cut, []) == labels
    sizes = [len(batch) for batch in cut]
    assert all(0 < size <= split_num for size in sizes)
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert len(cut) == -(-len(labels) // split_num)


_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(st.data())
def test_rows_are_the_json_that_json_dumps_writes(data):
    labels = data.draw(st.lists(_names, unique=True, min_size=1, max_size=12))
    mentions = data.draw(st.lists(_names, max_size=5))
    text = " ".join(mentions) + data.draw(_names)
    items = [{"entity": m, "entity_type": data.draw(st.sampled_from(labels))} for m in mentions]
    asker = Instructor(TASKS["ner"], Schema(types=tuple(labels)), "zh", data.draw(st.booleans()), Options())
    made = asker.ask(text, items)
    assert json.loads(made.label) == items
    answered = set()
    for schema, output in zip(made.asked, made.outputs):
        instruction = asker.instruction(schema, text)
        for string in (instruction, output):
            assert json.dumps(json.loads(string), ensure_ascii=False) == string
        question, answer = json.loads(instruction), json.loads(output)
        assert question["input"] == text
        assert list(answer) == question["schema"]
        answered |= {(kind, mention) for kind, found in answer.items() for mention in found}
    assert answered == {(item["entity_type"], item["entity"]) for item in items}


@pytest.mark.parametrize(
    "options",
    [
        {"negatives": "many"},
        {"negatives": 1.5},
        {"split_num": 0},
        {"language": "de"},
        {"seed": "x"},
        {"split_num": True},
    ],
)
def test_a_wrong_option_is_refused_with_its_value_and_the_choices(options):
    ((name, value),) = options.items()
    with pytest.raises(DataError, match=f"{name}=.*{value}"):
        Options(**options)
