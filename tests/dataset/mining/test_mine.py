"""Hard negatives mined from hand-made sources whose shares a reader can redo."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iepile.commands.negatives import app
from iepile_dataset import DataError
from iepile_dataset.hard_negatives import read_hard_negatives
from iepile_dataset.mining.cooccurrence import Cooccurrence
from iepile_dataset.mining.mine import mine, write_dictionary
from iepile_dataset.mining.similarity import similarities
from iepile_dataset.options import MiningOptions

# No two of these share a 2-gram, so that names say nothing.
PLAIN = '["city", "person", "jug"]\n[]\n{}\n'


def entities(text, **found):
    return {
        "text": text,
        "entity": [{"entity": mention, "entity_type": kind} for kind, names in found.items() for mention in names],
    }


# Mentions: city {Ulm, Ada, Bonn}, person {Ada, Bo}, jug {pot}. Texts: city 2, person 2, both 1, jug 1.
TOWNS = [
    entities("Ada saw Ulm and Bonn", city=["Ulm", "Bonn"], person=["Ada"]),
    entities("In Ada", city=["Ada"]),
    entities("Bo", person=["Bo"]),
    entities("a pot", jug=["pot"]),
]


def pair(found, label, other):
    return next(pair for pair in found.pairs if {pair.label, pair.other} == {label, other})


def run(*arguments):
    return CliRunner().invoke(app, ["mine", *map(str, arguments)])


def predictions(file, *rows):
    lines = []
    for row in rows:
        if not isinstance(row, str):
            output, items = row
            output = output if isinstance(output, str) else json.dumps(output)
            row = json.dumps(
                {"task": "NER", "language": "en", "source": "towns", "output": output, "label": json.dumps(items)}
            )
        lines.append(row + "\n")
    file.write_text("".join(lines), "utf-8")
    return str(file)


@pytest.fixture
def towns(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/towns", PLAIN, train=TOWNS, test=[entities("pot Bo", jug=["Bo"])])
    return str(tmp_path / "in")


def test_labels_that_meet_on_a_mention_and_in_a_text_are_each_others_hard_negatives(towns):
    found = mine(towns)
    assert found.dictionary == {"ner": {"towns": {"city": ["person"], "person": ["city"], "jug": []}}}
    (only,) = found.pairs
    assert only.similarity == 0
    assert only.mentions == pytest.approx(1 / math.sqrt(3 * 2), abs=1e-6)  # Ada, of three and two mentions
    assert only.texts == pytest.approx(1 / math.sqrt(2 * 2))
    assert only.score == pytest.approx(1 - (1 - math.sqrt(1 / math.sqrt(6))) * (1 - 0.5 / 4), abs=1e-5)
    assert only.examples == ("Ada",)


def test_validation_and_test_are_not_read(towns):
    # There, Bo is a jug.
    assert mine(towns).dictionary["ner"]["towns"]["jug"] == []
    assert mine(towns).counts["records"] == 4


def test_a_relation_meets_another_on_the_same_two_ends(source, tmp_path):
    def related(relation):
        return {"text": "Ada of Ulm", "relation": [{"head": "Ada", "relation": relation, "tail": "Ulm"}]}

    backwards = {"text": "Ulm, Ada", "relation": [{"head": "Ulm", "relation": "zip", "tail": "Ada"}]}
    schema = '[]\n["born", "lives", "zip"]\n{}\n'
    source(tmp_path / "IE-en/RE/people", schema, train=[related("born"), related("lives"), backwards])
    found = mine(str(tmp_path))
    assert found.dictionary["re"]["people"] == {"born": ["lives"], "lives": ["born"], "zip": []}
    assert (found.pairs[0].mentions, found.pairs[0].texts) == (1.0, 0.0)
    assert found.pairs[0].examples == ("Ada → Ulm",)


def test_events_meet_on_their_trigger_and_tasks_that_are_told_their_labels_are_passed_over(source, tmp_path):
    def event(kind):
        return {"text": "Ada sued", "event": [{"event_type": kind, "event_trigger": "sued", "arguments": []}]}

    source(tmp_path / "IE-en/EE/law", '["trial", "quibble"]\n[]\n{}\n', train=[event("trial"), event("quibble")])
    found = mine(str(tmp_path))
    assert found.dictionary == {task: {"law": {"trial": ["quibble"], "quibble": ["trial"]}} for task in ("ee", "eet")}
    with pytest.raises(DataError, match="has no negatives"):
        mine(str(tmp_path), tasks=["eea"])


def test_labels_that_sound_alike_are_confusable_in_english_and_chinese():
    labels = ["place of birth", "place of death", "spouse", "出生地点", "死亡地点", "配偶"]
    alike = similarities(labels)
    assert alike[0].argmax() == 1
    assert alike[3].argmax() == 4
    assert alike[5].tolist() == [0.0] * 6
    assert (alike == alike.T).all()
    # ab and cd share no gram, ab and AB all of them.
    assert similarities(["ab", "AB", "cd"]).round(9).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_chinese_labels_of_one_kind_find_each_other(source, tmp_path):
    source(tmp_path / "IE-zh/NER/新闻", '["人物特指", "人物泛称", "地点"]\n[]\n{}\n', train=[entities("在乌尔姆")])
    assert mine(str(tmp_path)).dictionary == {
        "ner": {"新闻": {"人物特指": ["人物泛称"], "人物泛称": ["人物特指"], "地点": []}}
    }


def test_what_a_model_takes_for_something_else_counts_in_that_direction(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/towns", PLAIN, train=[entities("nothing here")])
    gold = entities("", city=["Ulm", "Bonn", "Rome"], person=["Ada"])["entity"]
    file = predictions(
        tmp_path / "p.jsonl",
        # Of the three cities one is found right, one taken for a person, one missed; Kiel is no one's.
        ({"city": ["Ulm"], "person": ["Ada", "Bonn", "Kiel"], "jug": []}, gold),
        ('So: {"nonsense": ["Ulm"], "jug": 7}', gold),
        ("no answer", gold),
        ({"city": []}, None),
        "{",
        '{"task": "ner", "source": "towns", "output": "{}", "label": "[]"}',  # of which language, is plain here
    )
    found = mine(str(tmp_path / "in"), options=MiningOptions(predictions=file))
    confused = pair(found, "city", "person")
    assert (confused.label, confused.confused, confused.confused_back) == ("city", 0.5, 0.0)  # Bonn, of Ulm and Bonn
    assert confused.score == pytest.approx(math.sqrt(0.5), abs=1e-6)
    # A text with a city should ask for persons too; nothing says the reverse.
    assert found.dictionary["ner"]["towns"] == {"city": ["person"], "person": [], "jug": []}
    names = ("predictions", "unparseable", "unlabelled", "unreadable", "other_sources")
    assert [found.counts[name] for name in names] == [6, 1, 1, 1, 0]
    assert [problem.line for problem in found.problems] == [5]


def test_lists_written_by_hand_win_and_unknown_labels_in_them_are_named(towns, tmp_path):
    flat = tmp_path / "flat.json"
    flat.write_text('{"city": ["jug", "castle"], "person": [], "burg": ["city"]}')
    found = mine(towns, options=MiningOptions(overrides=str(flat)))
    assert found.dictionary["ner"]["towns"] == {"city": ["jug"], "person": [], "jug": []}
    assert (found.overridden, found.unknown) == (2, ["castle", "burg"])
    nested = tmp_path / "nested.json"
    nested.write_text('{"NER": {"towns": {"jug": ["city", "jug"]}, "elsewhere": {"a": ["b"]}}}')
    found = mine(towns, options=MiningOptions(overrides=str(nested)))
    assert found.dictionary["ner"]["towns"] == {"city": ["person"], "person": ["city"], "jug": ["city"]}
    assert (found.overridden, found.unknown) == (1, ["ner/elsewhere"])


def test_the_number_of_labels_and_the_least_score_are_limits(source, tmp_path):
    labels = ["part one", "part two", "part three"]
    schema = json.dumps(labels) + "\n[]\n{}\n"
    source(tmp_path / "IE-en/NER/parts", schema, train=[entities("xy", **{"part one": ["x", "xy"], "part two": ["x"]})])
    every = mine(str(tmp_path), options=MiningOptions(threshold=0)).dictionary["ner"]["parts"]
    assert every["part one"] == ["part two", "part three"]
    one = mine(str(tmp_path), options=MiningOptions(top=1)).dictionary["ner"]["parts"]
    # The third is nobody's closest, but its own closest enters both lists.
    assert one["part one"][0] == "part two"
    assert all((a in one[b]) == (b in one[a]) for a in labels for b in labels)
    assert mine(str(tmp_path), options=MiningOptions(threshold=1)).pairs == []
    for wrong in ({"top": 0}, {"threshold": 1.5}, {"by": "ear"}):
        with pytest.raises(DataError, match=next(iter(wrong))):
            mine(str(tmp_path), options=MiningOptions(**wrong))


def test_bad_lines_are_counted_and_the_first_ones_kept(source, tmp_path):
    unknown = entities("Ada", robot=["Ada"])
    elsewhere = entities("Ada", city=["Ulm"])
    source(tmp_path / "IE-en/NER/towns", PLAIN, train=["{", "7", unknown, elsewhere, *["[]"] * 30, *TOWNS])
    found = mine(str(tmp_path))
    assert (found.counts["records"], found.counts["left_out"]) == (38, 34)
    assert [problem.line for problem in found.problems[:4]] == [1, 2, 3, 4]
    assert "robot" in found.problems[2].reason
    assert len(found.problems) == 20
    assert found.dictionary["ner"]["towns"]["city"] == ["person"]


def test_beyond_its_limit_the_memory_keeps_an_evenly_drawn_part_of_the_mentions():
    met = Cooccurrence(["a", "b"], limit=1000)
    for number in range(20_000):
        names = json.dumps([str(number)])
        met.add({"a": names, "b": names} if number % 4 == 0 else {"a": names})
    assert met.every in (32, 64)  # 20,000 / 32 = 625 are left
    # A quarter of a's mentions are b's: 1/4 / √(1 · 1/4) = 1/2.
    assert met.shares_of_mentions()[0, 1] == pytest.approx(0.5, abs=0.05)
    assert met.shares_of_texts()[0, 1] == pytest.approx(0.5)


def test_the_written_file_is_read_back_by_the_options_that_use_it(towns, tmp_path):
    found = mine(towns)
    write_dictionary(found.dictionary, tmp_path / "k" / "K.json")
    assert json.loads((tmp_path / "k/K.json").read_text()) == found.dictionary
    entries, unknown = read_hard_negatives(str(tmp_path / "k/K.json")).of("NER", "towns", ["city", "person", "jug"])
    assert (entries["city"], unknown) == (("person",), 0)
    assert '      "city": ["person"],\n' in (tmp_path / "k/K.json").read_text()


def test_an_encoder_that_is_not_installed_is_one_line_with_its_remedy(towns, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "model2vec", None)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    for name in ("model2vec", "sentence-transformers"):
        done = run(towns, "--by", name)
        assert done.exit_code == 1
        assert f"pip install {name}" in done.output
        assert "Traceback" not in done.output


def test_an_encoder_compares_meanings_where_it_is_installed(tmp_path):
    model2vec = pytest.importorskip("model2vec")
    numpy = pytest.importorskip("numpy")
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "city": 1, "town": 2, "person": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    vectors = numpy.array([[0, 0], [1, 0], [0.8, 0.6], [0, 1]], dtype="float32")
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(tmp_path)
    alike = similarities(["city", "town", "person"], "model2vec", str(tmp_path))
    assert alike.round(2).tolist() == [[0, 0.8, 0], [0.8, 0, 0.6], [0, 0.6, 0]]


def test_the_command_shows_the_pairs_and_writes_the_same_file_each_time(towns, tmp_path):
    done = run(towns, "--out", tmp_path / "K.json")
    assert done.exit_code == 0, done.output
    assert "Closest pairs" in done.output
    assert "Ada" in done.output
    first = (tmp_path / "K.json").read_bytes()
    again = run(towns, "--out", tmp_path / "K.json", "--json")
    assert (tmp_path / "K.json").read_bytes() == first
    report = json.loads(again.stdout)
    assert report["dictionary"] == json.loads(first)
    assert report["pairs"][0]["mentions"] == pytest.approx(0.408248)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["K.json", "in"]


@pytest.mark.parametrize("option", ["--overrides", "--predictions"])
def test_a_file_that_is_not_there_is_one_line(towns, option):
    done = run(towns, option, "nowhere.json")
    assert done.exit_code == 1
    assert "nowhere.json: no such" in done.output


def test_real_labels_that_people_confuse_come_first(corpus):
    found = mine(str(corpus), options=MiningOptions(source=("crossner_politics", "weibo", "crudeoilnews")))
    assert found.counts["left_out"] == 0
    lists = found.dictionary
    assert lists["ner"]["weibo"]["组织机构特指"][0] == "组织机构泛称"
    assert lists["ee"]["crudeoilnews"]["position high"][0] == "position low"
    assert "politician" in lists["ner"]["crossner_politics"]["person"]
    for sources in lists.values():
        for entries in sources.values():
            for label, others in entries.items():
                assert label not in others
                assert set(others) <= set(entries)
                assert all(label in entries[other] for other in others)


def test_typed_relations_and_graphs_are_mined_too(source, tmp_path):
    def item(head_type, relation, tail_type):
        ends = {"head": "Ulm", "head_type": head_type, "tail": "Bavaria", "tail_type": tail_type}
        return {"text": "Ulm, Bavaria", "relation": [{**ends, "relation": relation}]}

    train = [item("city", "in", "state"), item("city", "in", "land"), item("jug", "near", "state")]
    schema = '[]\n["in", "near"]\n{"in": [["city", "state"], ["city", "land"]], "near": [["jug", "state"]]}\n'
    source(tmp_path / "IE-en/SPO/places", schema, train=train)
    lists = mine(str(tmp_path)).dictionary
    assert set(lists) == {"spo", "kg"}
    # All three stand on the same two ends; the first two sound alike as well.
    assert lists["spo"]["places"]["city_in_state"] == ["city_in_land", "jug_near_state"]
    assert lists["kg"]["places"] == {"city": ["jug"], "jug": ["city"]}


def test_a_path_and_one_task_by_name_are_understood(towns):
    assert mine(Path(towns), tasks="ner").pairs == mine(str(towns), tasks=["ner"]).pairs
