"""What the page is made of, without a browser: labels, marks, files, records, limits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from iepile.app.extract import examples, extract
from iepile.app.highlight import Span, pieces
from iepile.app.records import page_of, sources_of
from iepile.app.render import extraction, records, scores, status
from iepile.app.schema_input import from_file, schema_from, written
from iepile.app.score import scored
from iepile.app.session import Model, ask
from iepile_dataset import DataError, Schema
from iepile_dataset.tasks import TASKS
from iepile_trainer.extraction.results import Extraction, Mention

OPTIONS = {"match": "exact", "count": "multiset", "parse": "lenient"}
WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6),
    min_size=1,
    max_size=5,
)


@given(WORDS)
def test_labels_that_are_written_into_the_field_are_read_as_the_same(labels):
    for name in ("ner", "re", "eet"):
        task = TASKS[name]
        schema = (
            Schema(relations=tuple(dict.fromkeys(labels)))
            if name == "re"
            else Schema(types=tuple(dict.fromkeys(labels)))
        )
        assert task.labels(schema_from(written(schema, task), task)) == task.labels(schema)


@given(WORDS, WORDS)
def test_roles_and_typed_relations_come_back_too(labels, roles):
    events = Schema(types=tuple(dict.fromkeys(labels)), roles={labels[0]: tuple(dict.fromkeys(roles))})
    assert schema_from(written(events, TASKS["ee"]), TASKS["ee"]).types == events.types
    typed = Schema(triples={"name": (roles[0], labels[0], roles[-1])})
    assert list(schema_from(written(typed, TASKS["spo"]), TASKS["spo"]).triples.values()) == list(
        typed.triples.values()
    )


def test_no_typed_label_opens_a_file(tmp_path):
    (tmp_path / "schema.json").write_text('["secret"]\n[]\n{}\n')
    assert schema_from(str(tmp_path / "schema.json"), TASKS["ner"]).types == (str(tmp_path / "schema.json"),)


@pytest.mark.parametrize("content", ['["city"]\n[]\n{}\n', '{"types": ["city"]}', "types: [city]", '["city"]'])
def test_a_schema_file_may_have_any_of_the_forms(content):
    assert from_file(b"\xef\xbb\xbf" + content.encode(), "mine", TASKS["ner"]).types == ("city",)


def test_a_schema_file_that_would_fill_the_memory_is_refused():
    doubled = "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))
    with pytest.raises(DataError, match="mine: YAML with aliases"):
        from_file(f"a0: &a0 [x]\n{doubled}\ntypes: *a39\n".encode(), "mine", TASKS["ner"])
    with pytest.raises(DataError, match=r"mine: 2,000,000 bytes are too many"):
        from_file(b"x" * 2_000_000, "mine", TASKS["ner"])


def test_a_schema_file_of_another_encoding_is_named():
    with pytest.raises(DataError, match=r"mine: not UTF-8 text: invalid start byte at byte 0"):
        from_file("ÿ".encode("latin-1"), "mine", TASKS["ner"])


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(-2, 32), st.integers(-2, 32)), max_size=6))
def test_pieces_are_the_text_again_and_each_span_ends_once(text, places):
    spans = {Span(start, end, f"{start} {end}", 0) for start, end in places}
    fit = {span for span in spans if 0 <= span.start < span.end <= len(text)}
    made = pieces(text, spans)
    assert "".join(piece.text for piece in made) == text
    assert sorted(span.name for piece in made for span in piece.ends) == sorted(span.name for span in fit)
    at = 0
    for piece in made:
        assert set(piece.covers) == {span for span in fit if span.start <= at < span.end}
        at += len(piece.text)


def test_everything_shown_is_escaped():
    bad = "<script>alert(1)</script>"
    found = Extraction(bad, "ner", "en", (Mention(bad, bad, 0, len(bad)),), error=bad, lost=(bad,))
    for html in (status(bad), extraction(found)):
        assert bad not in html
        assert "&lt;script&gt;" in html


def test_without_a_model_the_instructions_are_there_and_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    each = examples()[0]
    (told,) = extract(Model(), each["text"], each["task"], "", each["labels"], "")
    assert "iepile quickstart" in told["status"]
    assert "1 of 1: person · organization · city · product · festival" in told["questions"]
    assert told["found"] == told["json"] == ""


def test_a_model_that_cannot_be_loaded_is_an_error_in_the_page_not_of_it(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    *_, told = extract(Model(str(tmp_path)), "In Ulm", "ner", "en", "city", "")
    assert "cannot load the model" in told["status"]
    assert 'role="alert"' in told["status"]


def test_known_triggers_are_asked_and_others_refused():
    schema = Schema(types=("lawsuit",), roles={"lawsuit": ("plaintiff",)})
    (question,) = ask("Ada sued.", schema, "eea", "en", {"lawsuit": ["sued"]}, None).questions
    assert question.entries["lawsuit"]["trigger"] == ["sued"]
    with pytest.raises(DataError, match=r"trigger \['fled'\] does not stand in the text"):
        ask("Ada sued.", schema, "eea", "en", {"lawsuit": ["fled"]}, None)


def test_half_a_character_does_not_stop_the_page():
    assert ask("In \ud83d Ulm", Schema(types=("city",)), "ner", "en", None, None).text == "In ? Ulm"


def test_a_file_with_nothing_to_score_is_named_without_its_folder(tmp_path):
    (tmp_path / "a.jsonl").write_text("nonsense\n")
    with pytest.raises(ValueError, match=r"^a\.jsonl: .*a\.jsonl:1: no JSON") as refused:
        scored(tmp_path / "a.jsonl", **OPTIONS)
    assert str(tmp_path) not in str(refused.value)
    with pytest.raises(ValueError, match=r"^a\.jsonl\.gz: packed \(unpack it first"):
        scored(tmp_path / "a.jsonl.gz", **OPTIONS)


def test_a_report_too_large_for_the_page_is_left_to_the_file(tmp_path, monkeypatch):
    row = {"id": "1", "task": "NER", "output": "{}", "label": "[]"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    found = scored(tmp_path / "a.jsonl", **OPTIONS)
    assert "srcdoc" in scores(found)
    monkeypatch.setattr("iepile.app.render.REPORT", 10)
    assert "srcdoc" not in scores(found)
    assert "take the file" in scores(found)


def test_pages_outside_are_the_nearest_and_every_sample_record_is_shown_with_its_annotation():
    for source in sources_of(None).values():
        for split in source.files:
            page = page_of(source, split, 10**9)
            assert page.number == page.pages
            assert page_of(source, split, -3).number == 1
            html = records(page)
            for shown in page.records:
                assert (shown.annotation.error, shown.annotation.lost, shown.problem) == (None, (), "")
                if not shown.annotation.results:  # nothing is marked, and the text is there
                    assert f">{escape(shown.annotation.text)}</p>" in html
            assert any(result.spans for shown in page.records for result in shown.annotation)


def test_words_are_found_as_they_read_not_as_they_are_escaped(tmp_path):
    homes = tmp_path / "IE-zh" / "NER" / "homes"
    homes.mkdir(parents=True)
    (homes / "schema.json").write_text('["city"]\n[]\n{}\n')
    lines = [json.dumps({"text": text, "entity": []}, ensure_ascii=True) for text in ("北京", "上海")]
    (homes / "train.json").write_text("\n\n".join(lines))
    page = page_of(sources_of(str(tmp_path))["zh/NER/homes"], "train", 1, "上海")
    assert [(shown.line, shown.annotation.text) for shown in page.records] == [(3, "上海")]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--model", "./nowhere"], "error: ./nowhere: no such run folder (train one, or name a model of the Hub)"),
        (["--corpus", "nowhere"], "error: nowhere"),
    ],
)
def test_the_command_ends_with_one_line_where_it_cannot_start(tmp_path, options, told):
    command = [sys.executable, "-m", "iepile.cli", "app", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 1
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) == 1


def test_neither_the_package_nor_the_space_imports_anything_heavy():
    space = Path(sys.modules["iepile"].__file__).parent / "space"
    code = (
        "import sys, runpy, iepile.app, iepile.commands.app; "
        f"runpy.run_path({str(space / 'app.py')!r}); "
        "print(sorted({'gradio', 'torch', 'transformers', 'matplotlib', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert (space / "requirements.txt").read_text().split() == ["iepile[train,app,mcp]"]
