"""Words of a stranger stay in their cell: no heading, HTML, link or row of a table begins in them."""

import json

import pytest
from markdown_it import MarkdownIt

from iepile.cards import write_dataset_page
from iepile_cards import write_model_card
from iepile_dataset import Options
from iepile_dataset.export.manifest import _sealed
from iepile_dataset.export.prepare import prepare

HOSTILE = (
    "a\n\n# Owned\n\n| x | y |\n|---|---|\n<script>alert(1)</script><img src=x onerror=y> [a](javascript:b) ![i](http://e) "
    "\\| c ` d\n```\n~~~\n<!-- --> \x1b[31m\u202e\u2028</details>"
)
KEPT = {"created", "format"}


def hostile(value, key=""):
    """A value with hostile words behind each text, and in each key that is no key of ours."""
    if isinstance(value, dict):
        return {name: hostile(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [hostile(part, key) for part in value]
    return value + HOSTILE if isinstance(value, str) and key not in KEPT else value


def tokens(page):
    _, _, body = page.partition("\n---\n")
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    return [token for block in markdown.parse(body) for token in (block, *(block.children or ()))]


def outline(page):
    """Headings, the number of cells of each row, and everything that a browser would obey."""
    found = tokens(page)
    headings = [found[place + 1].content for place, token in enumerate(found) if token.type == "heading_open"]
    rows = "".join({"tr_open": "\n", "td_open": "|", "th_open": "|"}.get(token.type, "") for token in found)
    html = [token.content.strip() for token in found if token.type in ("html_block", "html_inline")]
    links = [token.attrs for token in found if token.type in ("link_open", "image")]
    return headings[1:], rows, html, links


@pytest.mark.parametrize("name", ["run.json", "scores.json"])
def test_a_run_record_of_a_stranger_gives_a_page_of_the_same_outline(run, name):
    before = outline((run / "README.md").read_text("utf-8"))
    record = json.loads((run / name).read_bytes())
    (run / name).write_text(json.dumps(hostile(record)))
    write_model_card(run)
    page = (run / "README.md").read_text("utf-8")
    headings, rows, html, links = outline(page)
    assert (headings, html, links) == (before[0], before[2], before[3])
    assert rows == before[1]
    body = page.partition("\n---\n")[2]
    assert not {"\x1b", "\u202e", "\u2028"} & set(body), [line for line in body.split("\n") if "\x1b" in line]


def test_a_manifest_of_a_stranger_gives_a_page_of_the_same_outline(prepared):
    before = outline((prepared / "README.md").read_text("utf-8"))
    manifest = json.loads((prepared / "manifest.json").read_bytes())
    for source in manifest["sources"]:
        source["licence"] += HOSTILE
        source["source"] += HOSTILE
    manifest["options"] = hostile(manifest["options"]) | {HOSTILE: HOSTILE}
    (prepared / "manifest.json").write_text(json.dumps(_sealed(manifest)))  # as a forger would
    write_dataset_page(prepared)
    after = outline((prepared / "README.md").read_text("utf-8"))
    assert after[0] == before[0]
    assert after[2:] == before[2:]
    assert after[1].count("\n") == before[1].count("\n") + 1  # the option


def test_a_licence_of_a_stranger_stays_in_its_cell_of_a_prepared_folder(tmp_path):
    source = tmp_path / "in/IE-en/NER/a"
    source.mkdir(parents=True)
    (source / "schema.json").write_text('["city"]\n[]\n{}\n')
    (source / "train.json").write_text('{"text": "In Ulm", "entity": []}\n')
    pages = []
    for licence in ("MIT", HOSTILE):
        (source / "meta.json").write_text(json.dumps({"licence": licence}))
        prepare(tmp_path / "out", tmp_path / "in", options=Options(), overwrite=True)
        pages.append(outline((tmp_path / "out/README.md").read_text("utf-8")))
    assert pages[0] == pages[1]
