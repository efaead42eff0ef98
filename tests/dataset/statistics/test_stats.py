"""Statistics of hand-made corpora whose numbers a reader can count."""

import json
import re
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iepile.commands.stats import stats
from iepile_dataset import DataError, Options
from iepile_dataset.export.prepare import prepare
from iepile_dataset.statistics.fonts import drawable, families
from iepile_dataset.statistics.histograms import bins, panels
from iepile_dataset.statistics.stats import statistics
from iepile_dataset.statistics.sunburst import tree, wedges
from iepile_trainer.command_line import Commands

from ..conftest import NER_SCHEMA

EVENTS = '["sue", "win"]\n["who"]\n{"sue": ["who"], "win": []}\n'

app = Commands()
app.command()(stats)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def ner(text, *pairs):
    return {"text": text, "entity": [{"entity": mention, "entity_type": kind} for mention, kind in pairs]}


@pytest.fixture
def towns(source, tmp_path):
    """One NER source with a domain, one Chinese event source without."""
    folder = source(
        tmp_path / "in/IE-en/NER/towns",
        NER_SCHEMA,
        train=[
            ner("In Ulm", ("Ulm", "city"), ("Ulm", "city")),  # 6 characters, 1 mention: alike ones count once
            ner("Ada saw Ulm and Bonn", ("Ada", "person"), ("Ulm", "city"), ("Bonn", "city")),  # 20 and 3
            ner("nothing"),  # 7 and none
            "{broken",
            ner("In Ulm", ("Rome", "city")),  # 6, left out: Rome is not in it
        ],
        test=[{"text": "In Kiel"}],  # 7, not annotated
    )
    (folder / "meta.json").write_text('{"domain": "local news", "licence": "CC0"}')
    source(
        tmp_path / "in/IE-zh/EE/新闻",
        EVENTS,
        train=[{"text": "甲告乙", "event": [{"event_type": "sue", "event_trigger": "告", "arguments": []}]}],
    )
    return str(tmp_path / "in")


def test_records_mentions_and_instructions_are_those_that_one_counts_by_hand(towns):
    report = statistics(towns).report()
    source = report["sources"]["en/NER/towns"]
    train = source["splits"]["train"]
    assert (train["records"], train["left_out"], train["annotated"], train["without_annotation"]) == (5, 2, 3, 1)
    assert source["labels"] == {"city": 3, "person": 1, "river": 0}
    assert train["mentions"] == 4
    # Three labels fit into one instruction; of three answers, that to "nothing" is empty.
    assert (train["instructions"], train["empty_instructions"], train["empty_share"]) == (3, 1, 0.3333)
    # The lengths of all texts that can be read, 6, 6, 7 and 20.
    assert train["text_characters"] == {"count": 4, "mean": 9.75, "min": 6, "median": 6, "p95": 20, "max": 20}
    test = source["splits"]["test"]
    assert (test["records"], test["unlabelled"], test["annotated"], test["instructions"]) == (1, 1, 0, 1)
    assert (test["empty_share"], test["answer_characters"]) == (0.0, None)
    assert source["domain"] == "local news"
    assert [problem["line"] for problem in report["problems"]] == [4, 5]


def test_groups_add_up_and_a_folder_that_serves_three_tasks_counts_for_each(towns):
    report = statistics(towns).report()
    assert {task: figures["records"] for task, figures in report["tasks"].items()} == {
        "ner": 6, "ee": 1, "eet": 1, "eea": 1,
    }  # fmt: skip
    assert report["total"]["records"] == 9
    assert report["records_once"] == 7
    assert {name: figures["records"] for name, figures in report["languages"].items()} == {"en": 6, "zh": 3}
    assert {name: figures["records"] for name, figures in report["splits"].items()} == {"train": 8, "test": 1}
    assert {name: figures["records"] for name, figures in report["domains"].items()} == {
        "local news": 6, "not stated": 3,
    }  # fmt: skip
    # Chinese is counted in characters, not bytes, and for each task alike.
    assert all(report["tasks"][task]["text_characters"]["max"] == 3 for task in ("ee", "eet", "eea"))


def test_instructions_are_those_that_prepare_makes(tmp_path):
    made = prepare(tmp_path / "rows")
    counted = statistics()
    assert counted.total.instructions == made.total("rows")
    assert counted.total.empty_instructions == made.total("empty_rows")


def test_tokens_are_counted_where_a_tokenizer_is_named_and_left_out_elsewhere(towns, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    assert statistics(towns).report()["total"]["text_tokens"] is None
    counted = statistics(towns, tasks=["ner"], options=Options(language="en"), tokenizer=str(tmp_path))
    # In Ulm: 2, twice; Ada saw Ulm and Bonn: 5; nothing: 1; In Kiel: 2.
    assert counted.total.text_tokens == Counter({2: 3, 5: 1, 1: 1})
    assert "Texts, tokens" in panels(counted)
    with pytest.raises(DataError, match="nowhere"):
        statistics(towns, tokenizer=str(tmp_path / "nowhere"))


def test_bad_lines_are_counted_and_only_the_first_ones_kept(source, tmp_path):
    source(tmp_path / "IE-en/NER/towns", NER_SCHEMA, train=["{"] * 50 + [ner("In Ulm", ("Ulm", "city"))], dev=[])
    counted = statistics(str(tmp_path))
    assert (counted.total.records, counted.total.left_out, counted.total.annotated) == (51, 50, 1)
    assert len(counted.problems) == 20


def test_a_path_and_one_task_by_name_are_understood(towns):
    assert statistics(Path(towns), tasks="ner").report() == statistics(str(towns), tasks=["ner"]).report()


def test_where_pictures_cannot_be_written_it_is_one_line(towns, tmp_path):
    (tmp_path / "file").write_text("")
    done = run(towns, "--out", tmp_path / "file/out", "--task", "ner")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1


def test_rings_of_the_sunburst_are_full_and_lie_above_each_other(towns):
    counted = statistics(towns)
    drawn = list(wedges(tree(counted, families())))
    for ring in range(3):
        parts = [wedge for wedge in drawn if wedge.ring == ring]
        assert sum(wedge.end - wedge.start for wedge in parts) == pytest.approx(360)
        assert sum(wedge.count for wedge in parts) == counted.total.instructions
    # 4 of the 7 instructions are NER's, and each event task has one.
    ner_wedge = next(wedge for wedge in drawn if wedge.name == "NER")
    assert (ner_wedge.start, ner_wedge.end) == (0, pytest.approx(360 * 4 / 7))


def test_histograms_hold_every_length(towns):
    counted = statistics(towns)
    assert panels(counted)["Texts, characters"] == {"en": Counter({6: 2, 7: 2, 20: 1}), "zh": Counter({3: 1})}
    edges = bins({"en": Counter({10: 990, 11: 9, 5000: 1})}, count=10)
    assert edges[0] == 10
    assert edges[-1] < 100


def test_the_page_needs_no_other_file_and_names_are_escaped(source, tmp_path):
    source(tmp_path / "in/IE-zh/NER/新闻<b>", '["<script>", "人"]\n[]\n{}\n', train=[ner("在乌尔姆")])
    done = run(tmp_path / "in", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "lengths.png", "stats.html", "stats.json", "sunburst.png",
    ]  # fmt: skip
    page = (tmp_path / "out/stats.html").read_text("utf-8")
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "新闻&lt;b&gt;" in page
    links = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert len(links) == 2
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert "http" not in re.sub(r'src="[^"]*"', "", page)
    for picture in ("sunburst", "lengths"):
        assert (tmp_path / f"out/{picture}.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out/stats.json").read_text("utf-8"))["sources"]["zh/NER/新闻<b>"]["records"] == 1


def test_without_a_chinese_font_names_become_numbers_and_nothing_warns(towns, tmp_path):
    from iepile_dataset.statistics.pictures import write_statistics

    plain = families(chinese=())
    assert not drawable("新闻", plain)
    counted = statistics(towns)
    assert tree(counted, plain)["EE"] == {"not stated": {"source 2": 1}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_statistics(counted, tmp_path / "out", fonts=plain)


def test_without_matplotlib_the_numbers_are_printed_and_pictures_are_one_line_with_their_remedy(
    towns, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(towns).exit_code == 0
    done = run(towns, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert 'pip install "iepile[train]"' in done.output
    assert not (tmp_path / "out").exists()


def test_the_command_prints_tables_or_one_object(towns):
    done = run(towns)
    assert done.exit_code == 0, done.output
    for words in ("en/NER/towns", "zh/EE/新闻", "33.3%", "2 of 3", "local news", "Left out", "name a --tokenizer"):
        assert words in done.output
    report = json.loads(run(towns, "--json").stdout)
    assert report == json.loads(json.dumps(statistics(towns).report()))
    assert run("nowhere").exit_code == 1


def test_sources_of_several_tasks_can_be_named_together(towns):
    counted = statistics(towns, options=Options(source=("towns", "新闻")))
    assert list(counted.by(lambda cell: cell.source.task)) == ["ner", "ee", "eet", "eea"]
    with pytest.raises(DataError, match=r'no source "castles" \(there are towns, 新闻\)'):
        statistics(towns, options=Options(source=("towns", "castles")))


@pytest.mark.slow
def test_a_break_leaves_no_half_file(source, tmp_path):
    folder = source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[])
    line = json.dumps(ner("In Ulm", ("Ulm", "city"))) + "\n"
    (folder / "train.json").write_text(line * 200_000)
    code = "from iepile.commands.stats import stats; from iepile_trainer.command_line import run; print('here', flush=True); run(stats)"
    command = [sys.executable, "-c", code, str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout.readline() == "here\n"
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_the_real_corpus_has_the_records_that_its_own_notes_state(corpus):
    counted = statistics(str(corpus), tasks=["ner"], options=Options(source=("weibo", "crossner_ai")))
    for cell in counted.cells:
        meta = json.loads((corpus / f"IE-{cell.source.language}/NER/{cell.source.name}/meta.json").read_text("utf-8"))
        stated = meta["splits"]["dev" if cell.split == "validation" else cell.split]
        assert cell.figures.records == stated["records"]
        assert cell.figures.annotated - cell.figures.without == stated["with_annotation"]
        if cell.split == "train":
            assert cell.figures.left_out == 0
