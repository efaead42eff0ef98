import io
import json

from rich.console import Console

from iepile_trainer.quickstart import Outcome, Screen, show_outcome
from iepile_trainer.quickstart.run import overall_f1
from iepile_trainer.quickstart.show import highlighted, sparkline
from iepile_trainer.training.progress import Moment


def row(output, gold, schema=("person", "city"), text="Ann met Bo in Oslo.", task="NER"):
    asked = {"instruction": "Find.", "schema": list(schema), "input": text}
    return {"task": task, "instruction": json.dumps(asked), "output": output, "label": json.dumps(gold)}


def test_right_and_wrong_mentions_are_marked_in_the_text():
    gold = [{"entity": "Ann", "entity_type": "person"}, {"entity": "Oslo", "entity_type": "city"}]
    shown = highlighted(row('{"person": ["Ann", "Bo"], "city": ["Oslo"]}', gold))
    assert shown.plain == "  [Ann|person] met [Bo|person] in [Oslo|city]."
    styles = {shown.plain[span.start : span.end]: str(span.style) for span in shown.spans}
    assert "strike" in styles["[Bo|person]"]
    assert "strike" not in styles["[Ann|person]"]


def test_a_mention_that_is_not_in_the_text_is_said_and_not_marked():
    assert "Eve" in highlighted(row('{"person": ["Eve"], "city": []}', [])).plain


def test_relations_are_listed_below_the_text():
    gold = [{"head": "Ann", "relation": "lives in", "tail": "Oslo"}]
    answer = '{"lives in": [{"subject": "Ann", "object": "Oslo"}, {"subject": "Bo", "object": "Oslo"}]}'
    lines = highlighted(row(answer, gold, schema=["lives in"], task="RE")).plain.splitlines()
    assert lines[1].strip() == "Ann — lives in → Oslo"
    assert lines[2].strip() == "Bo — lives in → Oslo   (wrong)"


def test_an_answer_that_is_no_json_shows_the_bare_text():
    assert highlighted(row("�{]", [])).plain == "  Ann met Bo in Oslo."


def test_overall_f1_counts_all_tasks_together():
    # tp 3, fp 1, fn 2: 2*3 / (2*3 + 1 + 2) = 6/9
    assert overall_f1([{"tp": 2, "fp": 1, "fn": 0}, {"tp": 1, "fp": 0, "fn": 2}]) == 6 / 9


def test_a_sparkline_is_as_wide_as_asked():
    assert len(sparkline(range(1000), 40)) == 40
    assert sparkline([1.0, 1.0]) == "▁▁"


def test_the_table_shows_the_scores_of_the_run(tmp_path):
    figures = {"f1": 0.9, "tp": 9, "fp": 1, "fn": 1}
    console = Console(file=io.StringIO(), width=100)
    show_outcome(console, Outcome(tmp_path, {"before": {"ner": figures}, "test": {"ner": figures}}, {}))
    text = console.file.getvalue()
    assert "0.900" in text
    assert "scores.json" in text


def shown(console, steps=40, seconds_a_step=1.0):
    """What a training puts on a console that tells of every step."""
    screen = Screen(console, clock=lambda: screen.now)
    screen.now = 100.0
    for step in range(1, steps + 1):
        screen.now += seconds_a_step
        screen.tell("step", Moment(step, steps, loss=1 / step, seconds_left=(steps - step) * seconds_a_step))
    screen.close()
    return console.file.getvalue()


def test_a_log_gets_a_line_every_ten_seconds_and_the_last_step():
    lines = shown(Console(file=io.StringIO(), width=100)).splitlines()
    assert [int(line.split()[1]) for line in lines] == [1, 11, 21, 31, 40]
    assert lines[1] == "step 11 of 40 (28%)  loss 0.0909  0:00:29 left"


def test_a_terminal_has_one_line_that_changes():
    text = shown(Console(file=io.StringIO(), width=100, force_terminal=True), steps=3)
    assert "step 3 of 3 (100%)  loss 0.3333  0:00:00 left" in text
    assert text.count("\n") == 1  # when it goes
