"""Whatever a model writes is scored: no exception, no endless work."""

import json
import random
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile_metric import TASKS, Accumulator
from iepile_metric.errors import Analysis
from iepile_metric.report import Report

from ..fuzzing import FUZZ

GOLD = {
    "ner": '[{"entity": "Ada", "entity_type": "person"}]',
    "re": '[{"head": "Ada", "relation": "born in", "tail": "London"}]',
    "kg": '[{"head": "Ada", "head_type": "person", "relation": "born", "tail": "1815"}]',
    "ee": '[{"event_type": "attack", "event_trigger": "hit", "arguments": [{"role": "agent", "argument": "Ada"}]}]',
}
GOLD |= {"spo": GOLD["re"], "eet": GOLD["ee"], "eea": GOLD["ee"]}

SEEDS = [
    '{"person": ["Ada", "Charles \\"B\\" Babbage"], "place": [], "年份": ["1815年"]}',
    '{"born in": [{"subject": "Ada", "object": "London"}], "knows": []}',
    '{"person": {"Ada": {"born": "1815", "field": ["maths", "computing"]}}}',
    '{"attack": [{"trigger": "hit", "arguments": {"agent": ["Ada", "Bob"], "place": "NAN"}}], "sue": []}',
    '{"attack": ["hit", "NAN"]}',
    '{"attack": [{"agent": "Ada", "place": "NAN"}]}',
    '```json\n{"person": ["Ada"]}\n```',
    "Sure! {'person': ['Ada',], 'place': [None]} That is all.",
    '[{"entity": "Ada", "entity_type": "person"}]',
]
PIECES = ['"', "{", "}", "[", "]", ",", ":", "\\", "null", "NaN", "1e999", "true", "```", "'", "\ud800", "\x00", "\n"]


def mutated(random_, seed):
    text = seed
    for _ in range(random_.randint(1, 6)):
        a, b = sorted((random_.randint(0, len(text)), random_.randint(0, len(text))))
        kind = random_.randrange(5)
        if kind == 0:
            text = text[:a] + text[b:]
        elif kind == 1:
            text = text[:a]
        elif kind == 2:
            text = text[:a] + random_.choice(PIECES) * random_.choice((1, 1, 1, 20)) + text[a:]
        elif kind == 3:
            text = text[:b] + text[a:]
        else:
            text = text[:a] + chr(random_.randrange(0x3000)) + text[a + 1 :]
    raw = text.encode("utf-8", "surrogatepass")
    return raw[: random_.randint(0, len(raw))].decode("utf-8", "ignore") if random_.random() < 0.2 else text


@pytest.mark.slow
def test_a_hundred_thousand_mutated_answers_are_scored_without_one_exception():
    random_ = random.Random(1)
    scores = Accumulator()
    slowest = 0.0
    for number in range(100_000):
        task = random_.choice(list(TASKS))
        answer = mutated(random_, random_.choice(SEEDS))
        start = time.process_time()
        scores.add({"task": task, "id": str(number % 5_000), "label": GOLD[task], "output": answer})
        slowest = max(slowest, time.process_time() - start)
    result = scores.result()["tasks"]
    assert sum(figures["rows"] for figures in result.values()) == 100_000
    assert slowest < 1
    json.dumps(result, ensure_ascii=False).encode()  # can be written, too


@pytest.mark.parametrize(
    "task", ["ner", *(pytest.param(task, marks=pytest.mark.slow) for task in TASKS if task != "ner")]
)
@pytest.mark.parametrize(
    "answer",
    [
        "[" * 1_000_000,
        '{"a":' * 100_000,
        '{"person": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"person": [' + "9" * 100_000 + "]}",
        '{"person": ["' + "x" * 10_000_000 + '"]}',
        '{"person": ["' + "x" * 10_000_000,
        "{'person': ['" + "x" * 1_000_000,
        "[a" * 300_000,
        "['" * 300_000,
        "{„}" * 300_000,
        "{/*" * 300_000,
        "{“" * 300_000,
        '["a" x] ' * 100_000,
        "{'a': ['" + "b' c" * 200_000,
        "[[],{}" * 100_000,
        "{a: [], " * 100_000,
        "[1] " * 200_000,
        '{"a": "' + '{\\"a\\": ' * 100_000 + '"}',
        "｛“人”：［" * 100_000,
        "<think>[</think>" * 60_000,
        "[" + "'a', " * 200_000,
        "[" + "“a”：" * 200_000,
        "{" + "a b c " * 200_000,
        '["a"' + " " * 1_000_000,
        "{'a' " + "' " * 300_000,
        "{" * 20_000,
        '{"person": ["Ada"' + ', "Ada"' * 100_000,
        "```json" * 100_000,
        '"' * 100_000,
        "{" + '"a": {"b": ' * 20 + "'" * 15_000,
        "{" + "'a', " * 3_900,
        "<think>" * 200_000,
        "\\" * 20_000 + "{",
        '{"a": "' + "\\" * 19_000,
    ],
    ids=lambda answer: f"{answer[:10]}-{len(answer)}",
)
def test_monstrous_answers_take_bounded_time(task, answer):
    scores = Accumulator(task)
    start = time.process_time()
    scores.add({"label": GOLD[task], "output": answer})
    assert scores.result()["rows"] == 1
    assert time.process_time() - start < 0.1 + 2 * len(answer) / 1_000_000


@pytest.mark.parametrize("match", ["exact", "normalised", "overlap"])
def test_a_hundred_thousand_mentions_in_one_answer_take_bounded_time(match):
    answer = json.dumps({"person": [f"Ada {i}" for i in range(100_000)], "x": ["Ada"] * 10_000})
    gold = json.dumps([{"entity": f"Ada the {i}th", "entity_type": "person"} for i in range(20)])
    analysis = Analysis(match)
    scores = Accumulator("ner", match=match, watch=analysis)
    instruction = json.dumps({"schema": ["person"], "input": "Ada the 3th"})
    start = time.process_time()
    scores.add({"label": gold, "output": answer, "instruction": instruction})
    result = scores.result()
    found = analysis.summary(result)["ner"]["entity"]
    assert time.process_time() - start < 10
    assert sum(kind["share"] for kind in found["kinds"].values()) == pytest.approx(found["lost_f1"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["person", "trigger", "arguments", "subject", "object", "entity", "role", "argument", "text"])


@pytest.mark.slow
@settings(max_examples=300, deadline=None)  # small ones, whose making takes a tenth of the time of large ones
@given(
    task=st.sampled_from(list(TASKS)),
    value=st.dictionaries(
        keys | st.text(max_size=4),
        json_values | st.lists(st.dictionaries(keys, json_values, max_size=4), max_size=3),
        max_size=4,
    ),
)
def test_json_of_any_shape_is_read_and_counted(task, value):
    scores = Accumulator(task)
    scores.add({"label": GOLD[task], "output": json.dumps(value)})
    result = scores.result()
    assert result["rows"] == 1
    assert result["tp"] + result["fn"] == 1  # the gold unit is found or missed, whatever was answered


@settings(max_examples=100, deadline=None)
@given(task=st.sampled_from(list(TASKS)), text=st.text())
@pytest.mark.slow
def test_any_text_is_read_or_refused_by_name(task, text):
    scores = Accumulator(task)
    scores.add({"label": GOLD[task], "output": text})
    assert sum(scores.result()["unparseable_kinds"].values()) in (0, 1)


def tags(page):
    """The tags of a page, with their attributes."""
    found = []
    parser = HTMLParser(convert_charrefs=False)
    parser.handle_starttag = lambda name, attributes: found.append((name, attributes))
    parser.feed(page)
    return found


HTML = st.sampled_from(
    ["</script>", "<img src=x onerror=y>", "<!--", "-->", "&#60;b>", '" onload="', "]]>", "\u2028", "\ud800"]
)
TEXT = st.lists(HTML | st.text(max_size=10), max_size=6).map("".join)


def whole(text):
    """Without halves of characters, which a label may not hold."""
    return text.encode("utf-8", "ignore").decode()


@FUZZ
@given(TEXT, TEXT.map(whole), TEXT.map(whole), TEXT, TEXT)
def test_any_row_gives_a_report_with_the_tags_of_any_other(source, text, label, output, title):
    def page(source, text, label, output, title):
        report = Report()
        row = {"id": "a", "task": "NER", "source": source, "output": output}
        row["label"] = json.dumps([{"entity": text, "entity_type": label}])
        row["instruction"] = json.dumps({"schema": [label], "input": text})
        return report.html(Accumulator(watch=report).extend([row]).result(), title, resamples=0)

    assert tags(page(source, text, label, output, title)) == tags(page("a", "Ulm", "city", "{}", "Scores"))
