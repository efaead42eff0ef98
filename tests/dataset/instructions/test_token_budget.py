import json
from collections import Counter
from itertools import pairwise

import pytest
from datasets import load_dataset, load_dataset_builder
from hypothesis import given
from hypothesis import strategies as st

import iepile  # noqa: F401
from iepile_dataset import DataError, Options, Schema
from iepile_dataset.instructions.instructor import Instructor
from iepile_dataset.instructions.token_budget import TokenBudget, token_counter
from iepile_dataset.instructions.windows import windows, within
from iepile_dataset.tasks import TASKS

tokenizers = pytest.importorskip("tokenizers")
TEXT = "Ada came to Ulm. She stayed long. Bo went to Bonn, and then to Ulm. " * 8


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """A small byte-level BPE, trained on the spot; like real ones it joins letters across most seams."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = [TASKS[task].prompt(language) for task in TASKS for language in ("en", "zh")] + [TEXT]
    made.train_from_iterator(words, tokenizers.trainers.BpeTrainer(vocab_size=600, show_progress=False,
                             initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()))  # fmt: skip
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(file))
    return str(file)


def fitter(tokenizer, limit, schema, task="ner", train=False):
    options = Options(max_prompt_tokens=limit, tokenizer=tokenizer)
    return TokenBudget(lambda piece: Instructor(TASKS[task], piece, "en", train, options), TASKS[task], schema, options)


def cut(text, limit, count=len, overlap=0):
    return [text[slice(*window)] for window in windows(text, limit, count, overlap)]


@given(st.text(alphabet="ab .。！\n", max_size=80), st.integers(2, 12), st.integers(0, 2))
def test_windows_fit_and_hold_all_of_the_text_in_order(text, limit, overlap):
    spans = windows(text, limit, len, overlap)
    assert (spans[0][0], spans[-1][1]) == (0, len(text))
    assert all(end - start <= limit for start, end in spans)
    for (start, end), (following, further) in pairwise(spans):
        assert start < following <= end < further


def test_windows_end_at_sentence_ends_in_both_languages():
    words = lambda part: len(part.split())  # noqa: E731
    assert cut("Pi is 3.14 here. So it is! Yes.", 5, words) == ["Pi is 3.14 here. ", "So it is! Yes."]
    assert cut("他说：“走吧。”我们走了。很远！", 8) == ["他说：“走吧。”", "我们走了。很远！"]


def test_windows_repeat_as_many_sentences_as_asked_where_they_fit():
    assert cut("a. b. c. d. ", 6, overlap=1) == ["a. b. ", "b. c. ", "c. d. "]
    assert cut("a. b. c. d. ", 9, overlap=2) == ["a. b. c. ", "b. c. d. "]
    assert cut("a b c. d. e f. ", 7, overlap=1) == ["a b c. ", "d. ", "e f. "]  # they do not fit


@given(st.integers(1, 8), st.integers(0, 150))
def test_a_mention_no_longer_than_the_overlap_is_whole_in_a_window_of_a_sentence_without_end(size, place):
    mention = "M" * size
    text = "x" * place + mention + "y" * (150 - place)
    assert any(mention in window for window in cut(text, 32))


def test_events_that_differ_outside_a_window_stay_apart_where_it_holds_their_trigger_as_often():
    def event(who, trigger="came"):
        arguments = [{"role": "who", "argument": who}]
        return {"event_type": "sue", "event_trigger": trigger, "arguments": arguments}

    items = [event("Ada"), event("Bo"), event("Bo")]
    bare = {"event_type": "sue", "event_trigger": "came", "arguments": []}
    assert within("one came, one came", items, TASKS["ee"]) == [bare, {**bare, "copy": 1}, {**bare, "copy": 1}]
    assert within("one came", items, TASKS["ee"]) == [bare] * 3
    schema = Schema(types=("sue",), roles={"sue": ("who",)})
    answer = json.loads(TASKS["ee"].answer("came came", within("came came", items, TASKS["ee"]), schema)["sue"])
    assert answer == [{"trigger": "came", "arguments": {"who": "NAN"}}] * 2
    assert TASKS["eet"].answer("came came", within("came came", items, TASKS["eet"]), schema) == {"sue": '["came"]'}


def test_every_instruction_fits_and_every_mention_is_asked_in_a_window_that_holds_it(tokenizer):
    schema = Schema(types=("city", "person", "some very long label that takes many tokens by itself"))
    items = [{"entity": "Ulm", "entity_type": "city"}, {"entity": "Bo", "entity_type": "person"}]
    count = token_counter(tokenizer)
    asker = fitter(tokenizer, 170, schema)
    found = set()
    for window, questions in asker.parts(TEXT, items):
        assert json.loads(questions.label) == items
        for asked, output in zip(questions.asked, questions.outputs):
            assert count(Instructor(TASKS["ner"], schema, "en", False, Options()).instruction(asked, window)) <= 170
            for kind, mentions in json.loads(output).items():
                assert all(mention in window for mention in mentions)
                found |= {(kind, mention) for mention in mentions}
    assert asker.windows > 0
    assert asker.lost == 0
    assert found == {("city", "Ulm"), ("person", "Bo")}


def test_a_relation_across_windows_is_lost_and_counted(tokenizer):
    schema = Schema(relations=("meets",))
    asker = fitter(tokenizer, 150, schema, "re")
    first, last = "Ada1 was here. ", "Zed was there."
    text = first + "Nothing happened for a long time. " * 20 + last
    items = [{"head": "Ada1", "relation": "meets", "tail": "Zed"}]
    outputs = {output for _, questions in asker.parts(text, items) for output in questions.outputs}
    assert outputs == {'{"meets": []}'}
    assert asker.lost == 1


def test_a_long_role_list_is_asked_in_pieces(tokenizer):
    roles = tuple(f"role number {number}" for number in range(30))
    schema = Schema(types=("sue",), roles={"sue": roles})
    items = [
        {
            "event_type": "sue",
            "event_trigger": "came",
            "arguments": [{"role": roles[0], "argument": "Ada"}, {"role": roles[29], "argument": "Ulm"}],
        }
    ]
    asked, arguments = [], {}
    for _, questions in fitter(tokenizer, 400, schema, "ee").parts("Ada came to Ulm.", items):
        for schema_asked, output in zip(questions.asked, questions.outputs):
            (entry,) = json.loads(schema_asked)
            asked += entry["arguments"]
            (event,) = json.loads(output)["sue"]
            assert event["trigger"] == "came"
            arguments |= {role: value for role, value in event["arguments"].items() if value != "NAN"}
    assert asked == list(roles)
    assert arguments == {roles[0]: "Ada", roles[29]: "Ulm"}


def test_a_budget_without_room_for_text_says_how_much_is_needed(tokenizer):
    with pytest.raises(DataError, match="allow at least"):
        fitter(tokenizer, 30, Schema(types=("city",)))


def test_a_tokenizer_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        token_counter(str(tmp_path / "nowhere"))


def test_the_budget_is_an_option_of_the_builder(tokenizer):
    rows = load_dataset("iepile", "ner", split="test", language="en", streaming=True,
                        max_prompt_tokens=190, tokenizer=tokenizer)  # fmt: skip
    count = token_counter(tokenizer)
    lengths = [count(row["instruction"]) for row in rows]
    assert max(lengths) <= 190
    rows_of = Counter(row["id"] for row in rows)
    assert max(rows_of.values()) > 2  # without a budget 7 labels make two batches


def test_gold_answers_of_windows_and_role_pieces_score_one_where_nothing_was_lost(tokenizer):
    from iepile_metric import score

    for task in ("ner", "ee"):
        rows = list(load_dataset("iepile", task, split="test", language="en", streaming=True,
                                 max_prompt_tokens=190 if task == "ner" else 260, tokenizer=tokenizer))  # fmt: skip
        # Two windows of one record quote the same name, two pieces of one role list the same trigger.
        kept = [row for row in rows if not _lost(row, rows, task)]
        assert len(kept) > 50
        result = score(kept, task)
        assert {key: value for key, value in result.items() if "f1" in key and value != 1.0} == {}


def _lost(row, rows, task) -> bool:
    """Whether some annotated mention of the record stands in none of its windows' answers."""
    answers = " ".join(other["output"] for other in rows if other["id"] == row["id"])
    items = json.loads(row["label"])
    named = [item["entity"] for item in items] if task == "ner" else [
        text for item in items for text in (item["event_trigger"], *(a["argument"] for a in item["arguments"]))
    ]  # fmt: skip
    return any(json.dumps(name, ensure_ascii=False) not in answers for name in named)


def longest(tokenizer, made, task="ner"):
    count, asker = token_counter(tokenizer), Instructor(TASKS[task], Schema(types=("x",)), "en", False, Options())
    return max(count(asker.instruction(asked, text)) for text, questions in made for asked in questions.asked)


def test_a_text_is_measured_as_it_stands_escaped_in_the_instruction(tokenizer):
    asker = fitter(tokenizer, 170, Schema(types=("city",)))
    made = asker.parts('"\t\\"\n' * 400, [])  # every letter of it takes two when escaped
    assert len(made) > 1
    assert longest(tokenizer, made) <= 170
    assert asker.over == 0


def test_known_triggers_leave_the_text_less_room_and_what_still_does_not_fit_is_counted(tokenizer):
    names = [f"trigger{number}" for number in range(12)]
    items = [{"event_type": "sue", "event_trigger": name, "arguments": []} for name in names]
    text = " ".join(names) + ". " + TEXT
    asker = fitter(tokenizer, 360, Schema(types=("sue",), roles={"sue": ("place",)}), "eea")
    assert longest(tokenizer, asker.parts(text, items), "eea") <= 360
    assert asker.over == 0
    tight = fitter(tokenizer, 190, Schema(types=("sue",), roles={"sue": ("place",)}), "eea")
    made = tight.parts(
        "trigger" * 2 + "0123456789" * 3, [{**items[0], "event_trigger": digit} for digit in "0123456789"]
    )
    over = sum(longest(tokenizer, [(part, questions)], "eea") > 190 for part, questions in made)
    assert tight.over == over > 0


def test_windows_of_white_space_alone_are_not_asked(tokenizer):
    made = fitter(tokenizer, 170, Schema(types=("city",))).parts("In Ulm." + " " * 4000 + "In Bonn.", [])
    assert all(text.strip() for text, _ in made)
    assert {"Ulm", "Bonn"} <= {word.strip(".") for text, _ in made for word in text.split()}


@pytest.mark.parametrize("task", ["spo", "kg", "re"])
def test_a_wide_budget_changes_no_row_of_typed_relations(tokenizer, task):
    schema = Schema(relations=("in",), triples={"city_in_state": ("city", "in", "state")})
    item = {"head": "Ulm", "head_type": "city", "relation": "in", "tail": "Bavaria", "tail_type": "state"}
    ((_, fitted),) = fitter(tokenizer, 2000, schema, task).parts("Ulm, Bavaria", [item])
    assert fitted == Instructor(TASKS[task], schema, "en", False, Options()).ask("Ulm, Bavaria", [item])


def test_no_argument_is_nothing_that_a_window_could_lose(tokenizer):
    schema = Schema(types=("sue",), roles={"sue": ("place", "judge")})
    nothing = [{"role": "place", "argument": "NAN"}, {"role": "judge", "argument": None}]
    asker = fitter(tokenizer, 260, schema, "ee")
    made = asker.parts(TEXT, [{"event_type": "sue", "event_trigger": "came", "arguments": nothing}])
    assert len(made) > 1
    assert asker.lost == 0


def test_a_tokenizer_that_was_trained_again_in_its_place_counts_anew(tmp_path):
    file = tmp_path / "tokenizer.json"
    names = set()
    for vocabulary, tokens in (({"a": 0}, 2), ({"a": 0, "aa": 1}, 1)):
        merges = [("a", "a")] if tokens == 1 else []
        tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges)).save(str(file))
        assert token_counter(str(tmp_path))("aa") == tokens
        options = {"max_prompt_tokens": 4000, "tokenizer": str(tmp_path)}
        names.add(load_dataset_builder("iepile", "ner", **options).config_id)
    assert len(names) == 2
