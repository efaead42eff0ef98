"""Which records each rule drops, and which stay in their stead."""

from iepile_dataset.cleaning.clean import clean
from iepile_dataset.options import CleanOptions

from ..conftest import NER_SCHEMA
from .conftest import CITY, RIVER, dropped, record, texts


def test_exact_duplicates_go_within_a_split_whatever_the_order_of_their_annotations(cleaned, tmp_path):
    done, folder = cleaned(
        "duplicate",
        train=[
            record("In Ulm", CITY, RIVER),
            record("In Ulm", RIVER, dict(reversed(CITY.items()))),  # the first again
            record("In Ulm", CITY),  # another annotation
            record("In Ulm ", CITY, RIVER),  # another text
            record("In Ulm", CITY, RIVER),  # the first again
        ],
        test=[record("In Ulm", CITY, RIVER)],  # another split
    )
    assert dropped(tmp_path / "out", "duplicate") == [("train.json", 2, 1), ("train.json", 5, 1)]
    assert texts(folder) == ["In Ulm", "In Ulm", "In Ulm "]
    assert texts(folder, "test") == ["In Ulm"]
    assert (done.total("read"), done.total("kept"), done.total("duplicate")) == (6, 4, 2)


def test_the_annotation_that_most_records_of_a_text_have_stays(cleaned, tmp_path):
    _, folder = cleaned(
        "contradiction",
        train=[
            record("In Ulm", RIVER),
            record("In Ulm", CITY),
            record("In Ulm", CITY),
            record("Ulm", CITY),  # one to one: the first stays
            record("Ulm"),
            {"text": "Ulm"},  # says nothing, contradicts nothing
        ],
        test=[record("In Ulm", RIVER)],
    )
    assert dropped(tmp_path / "out", "contradiction") == [("train.json", 1, 2), ("train.json", 5, 4)]
    assert len(texts(folder)) == 4


def test_an_annotation_that_fits_outvotes_any_number_that_do_not(cleaned, tmp_path):
    broken = record("In Ulm", {"entity": "Uml", "entity_type": "city"})
    foreign = record("In Ulm", {"entity": "Ulm", "entity_type": "town"})
    _, folder = cleaned("contradiction", train=[broken, foreign, record("In Ulm", CITY), broken], test=[broken])
    assert dropped(tmp_path / "out", "contradiction") == [
        ("train.json", 1, 3),
        ("train.json", 2, 3),
        ("train.json", 4, 3),
    ]
    assert texts(folder) == ["In Ulm"]


def test_a_record_nested_too_deep_to_be_read_is_dropped_and_kept_aside(cleaned, tmp_path):
    deep = '{"text": "In Ulm", "entity": ' + "[" * 900 + "]" * 900 + "}"
    _, folder = cleaned(train=[deep, record("In Ulm", CITY)])
    assert dropped(tmp_path / "out", "empty") == [("train.json", 1, None)]
    assert texts(folder) == ["In Ulm"]


def test_a_leaked_text_leaves_train_and_is_counted_once(cleaned, tmp_path):
    splits = {
        "train": [record("a"), record("b"), record("a"), record("c"), record("d")],
        "dev": [record("b"), record("d"), record("d")],
        "test": [record("x"), record("a"), record("d")],
    }
    done, folder = cleaned("leak", **splits)
    # Shared with dev: b and d; with test: a and d.
    assert done.leaks["IE-en/NER/towns"] == {"validation": 2, "test": 2}
    assert texts(folder) == ["c"]
    assert texts(folder, "test") == ["x", "a", "d"]
    # The twin is the first held-out record of the text: dev before test.
    assert dropped(tmp_path / "out", "leak") == [
        ("train.json", 1, 2), ("train.json", 2, 1), ("train.json", 3, 2), ("train.json", 5, 2),
    ]  # fmt: skip


def test_a_leaked_text_leaves_validation_and_test_where_that_is_wanted(cleaned, tmp_path):
    _, folder = cleaned(
        "leak", leak_from="test", train=[record("a"), record("b")], dev=[record("c"), record("a")], test=[record("b")]
    )
    assert texts(folder) == ["a", "b"]
    assert texts(folder, "dev") == ["c"]
    assert not (folder / "test.json").exists()  # nothing is left of it
    assert dropped(tmp_path / "out", "leak") == [("dev.json", 2, 1), ("test.json", 1, 2)]


def test_empty_and_degenerate_records_go(cleaned, tmp_path):
    _, folder = cleaned(
        "empty",
        train=[
            record(" "),
            record("…!?"),
            record("☀", {"entity": "☀", "entity_type": "city"}),
            record("好"),
            "{",
            [1],
            {"entity": []},
            record("5"),
        ],
    )
    assert dropped(tmp_path / "out", "empty") == [("train.json", line, None) for line in (1, 2, 5, 6, 7)]
    assert texts(folder) == ["☀", "好", "5"]


def test_near_duplicates_go_in_english_by_words_and_in_chinese_by_characters(cleaned, tmp_path):
    # Eight words make six shingles; a word more at the end leaves 6 of 7 common, 0.86.
    eight = "one two three four five six seven eight"
    _, folder = cleaned(
        "near",
        train=[
            record(eight),
            record("ONE, two three four five six seven eight!"),
            record(f"{eight} nine"),
            record("one two three four five six"),  # 4 of 6: 0.67
            record(eight),  # one text, another record: for other rules to judge
        ],
    )
    assert texts(folder) == [eight, "one two three four five six", eight]
    assert dropped(tmp_path / "out", "near") == [("train.json", 2, 1), ("train.json", 3, 1)]


def test_near_duplicates_in_chinese_are_compared_by_characters(cleaned, tmp_path):
    # Twelve characters make ten shingles; one more leaves 10 of 11, 0.91; without the first two 8 of 10, 0.8.
    text = "市长昨天在乌尔姆会见客人"
    done, folder = cleaned(
        "near", language="zh", threshold=0.81, train=[record(text), record(text + "们"), record(text[2:])]
    )
    assert texts(folder) == [text, text[2:]]
    assert done.total("near") == 1


def test_a_higher_threshold_lets_more_stay(source, tmp_path):
    eight = "one two three four five six seven eight"
    source(
        tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[record(eight), record(f"{eight} nine"), record(f"{eight}!")]
    )
    for threshold, count in ((0.8, 2), (0.9, 1), (1.0, 1)):
        options = CleanOptions(only=("near",), threshold=threshold)
        assert clean(tmp_path / f"{threshold}", str(tmp_path / "in"), options=options).total("near") == count
