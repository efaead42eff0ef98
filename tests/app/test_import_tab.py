"""The fourth tab in a real browser: annotations of another tool, what was read of them, the source as a file."""

import json
import zipfile

import pytest

from iepile.app.importing import read_files
from iepile_dataset import DataError

from .conftest import MARKUP

CONLL = "Ada\tB-PER\nBell\tI-PER\nsaw\tO\nUlm\tB-LOC\n.\tO\n\nUlm\tB-LOC\nsaw\tI-PER\nher\tO\n"


def read(tmp_path, files, **options):
    paths = []
    for name, content in files.items():
        (tmp_path / name).write_text(content, "utf-8")
        paths.append(tmp_path / name)
    (folder := tmp_path / "work").mkdir()
    return read_files(paths, folder, **options)


def test_the_archive_holds_a_source_and_nothing_tells_where_it_was_made(tmp_path):
    found = read(tmp_path, {"news.conll": CONLL}, labels="PER: person\nLOC: place")
    archive = zipfile.ZipFile(found.archive)
    names = {name for name in archive.namelist() if not name.endswith("/")}
    assert names == {f"news/{name}" for name in ("train.json", "schema.json", "meta.json")}
    assert archive.read("news/schema.json").splitlines()[0] == b'["person","place"]'
    assert str(tmp_path) not in "".join(archive.read(name).decode() for name in names)
    assert [record["text"] for record in found.records] == ["Ada Bell saw Ulm .", "Ulm saw her"]


def test_texts_and_annotations_of_brat_go_together(tmp_path):
    found = read(tmp_path, {"a.txt": "张三在北京。", "a.ann": "T1\t人物 0 2\t张三\n"})
    assert (found.done.format, found.done.language) == ("brat", "zh")
    assert found.records[0]["entity"][0]["entity"] == "张三"


def test_what_is_no_annotation_is_said_without_a_path(tmp_path):
    with pytest.raises(DataError) as refused:
        read(tmp_path, {"notes.txt": "Nothing of the kind."})
    assert "notes.txt" in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.slow
def test_a_visitor_sees_what_was_read_and_takes_the_source_along(page, tmp_path):
    span = {"start": 0, "end": 3, "label": "person"}
    texts = ["Ada, Ada.", MARKUP]
    lines = [{"text": text, "spans": [span]} for text in texts] + ["{broken"]
    path = tmp_path / "letters.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    page.tab("Import")
    page.one("#annotations input[type=file]").send_keys(str(path))
    page.until(lambda: "letters" in page.one("#annotations").text)
    page.one("#import").click()
    page.until(lambda: "read as spacy" in page.one("#imported").text)
    assert page.one("#imported").text == "2 records read as spacy, for NER, 1 set aside in quarantine.jsonl."
    assert page.texts("#read mark") == ["Ada", MARKUP[:3]]  # the first Ada alone
    assert "letters.jsonl:3" in page.one("#read .losses").text
    assert not page.is_hacked
    page.until(lambda: page.one("#source-zip").is_enabled())
    (downloads := tmp_path / "downloads").mkdir()
    allowed = {"behavior": "allow", "downloadPath": str(downloads)}
    page.window.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    page.one("#source-zip").click()
    page.until(lambda: list(downloads.glob("*.zip")))
    archive = zipfile.ZipFile(next(downloads.glob("*.zip")))
    assert "letters/train.json" in archive.namelist()


@pytest.mark.slow
def test_without_a_file_it_says_what_to_give_and_a_wrong_format_is_one_line(page, tmp_path):
    page.tab("Import")
    page.one("#import").click()
    page.until(lambda: "no file yet" in page.one("#imported").text)
    (tmp_path / "notes.txt").write_text("Nothing of the kind.")
    page.one("#annotations input[type=file]").send_keys(str(tmp_path / "notes.txt"))
    page.until(lambda: "notes" in page.one("#annotations").text)
    page.one("#import").click()
    page.until(lambda: "no known format" in page.one("#imported").text)
    assert page.one("#import").is_enabled()
