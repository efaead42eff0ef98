import json
import shutil

import pytest
import yaml
from huggingface_hub import DatasetCard
from typer.testing import CliRunner

from iepile.cli import app
from iepile_cards import check_card, dataset_page
from iepile_dataset.corpus.sources import sample_corpus
from iepile_dataset.export.manifest import verify
from iepile_dataset.export.prepare import prepare
from iepile_dataset.options import Options
from iepile_dataset.statistics.prepared import prepared_statistics
from iepile_dataset.statistics.stats import statistics


def head(path):
    return yaml.safe_load(path.read_text().split("---\n")[1])


def test_the_configurations_are_those_that_prepare_wrote(tmp_path, prepared):
    plain = prepare(tmp_path / "rows2", tasks=["ner", "eet"], options=Options(language="en")).folder
    assert head(prepared / "README.md")["configs"] == head(plain / "README.md")["configs"]


def test_the_folder_still_proves_itself_and_an_edited_page_shows(prepared):
    assert verify(prepared)[1] == []
    with (prepared / "README.md").open("a") as page:
        page.write("mine\n")
    assert verify(prepared)[1] == ["README.md: changed since it was written"]
    assert CliRunner().invoke(app, ["card", "dataset", str(prepared)]).exit_code == 0
    assert verify(prepared)[1] == []


def test_a_folder_whose_rows_were_changed_gets_no_card(prepared):
    (prepared / "ner" / "test-00000-of-00001.parquet").write_bytes(b"")
    before = (prepared / "README.md").read_text()
    done = CliRunner().invoke(app, ["card", "dataset", str(prepared)])
    assert done.exit_code == 1
    assert "ner/test-00000-of-00001.parquet: changed since it was written" in done.output
    assert (prepared / "README.md").read_text() == before


def test_anyone_loads_the_folder_with_its_card(prepared):
    from datasets import get_dataset_config_names, load_dataset

    assert get_dataset_config_names(str(prepared)) == ["ner", "eet", "raw_ner"]
    rows = load_dataset(str(prepared), "ner", split="train")
    assert len(rows) == 78
    stream = load_dataset(str(prepared), "eet", split="test", streaming=True)
    assert sum(1 for _ in stream) == 32


def test_the_card_tells_licences_columns_statistics_and_how_it_was_made(prepared):
    text = DatasetCard.load(prepared / "README.md").text
    manifest = json.loads((prepared / "manifest.json").read_text())
    for words in (
        "280 instructions for schema-based information extraction (named entities, event triggers) in English",
        "| ner | 78 | 18 | 24 |",  # city_news and shop_support: 52 + 26, 12 + 6, 16 + 8
        "| en/NER/shop_support | CC-BY-4.0 (written for this package) | 40 | 0 | 26 | 6 | 8 |",
        "| completion | list of {role, content} |",
        "![Instructions by task, domain and source](statistics/sunburst.png)",
        manifest["rows_sha256"],
        "| negatives | all |",
        "@inproceedings",
    ):
        assert words in text, words
    assert (prepared / "statistics" / "sunburst.png").read_bytes()[:4] == b"\x89PNG"


def test_statistics_of_rows_are_those_of_the_corpus_they_were_made_of(tmp_path):
    prepare(tmp_path / "rows", tasks=["ner", "re"])
    rows = prepared_statistics(tmp_path / "rows").report()
    corpus = statistics(tasks=["ner", "re"]).report()
    for part in ("total", "records_once", "tasks", "languages", "splits", "domains"):
        assert rows[part] == corpus[part]
    for key, figures in corpus["sources"].items():
        # Labels that occur nowhere are not known from the rows; the order is that of the answers.
        assert rows["sources"][key]["labels"] == {label: count for label, count in figures["labels"].items() if count}


def test_the_card_of_a_subset_has_the_strictest_licence_and_says_which_are_unknown(tmp_path):
    for name, licence in (("ships", "CC BY-NC 4.0"), ("towns", "MIT")):
        source = tmp_path / "corpus" / "IE-en" / "NER" / name
        source.mkdir(parents=True)
        (source / "schema.json").write_text('["ship"]\n[]\n{}\n')
        line = {"text": "The Argo sank.", "entity": [{"entity": "Argo", "entity_type": "ship"}]}
        (source / "train.json").write_text(json.dumps(line) + "\n{\n")
        (source / "meta.json").write_text(json.dumps({"licence": licence}))
    prepare(tmp_path / "rows", tmp_path / "corpus")
    card = dataset_page(tmp_path / "rows", "someone/ships").card()
    assert card.data.license == "cc-by-nc-4.0"
    assert card.data.pretty_name == "ships"
    assert 'load_dataset("someone/ships", "ner", split="train")' in card.text
    assert "2 records were unusable" in card.text  # the line { in each source
    (tmp_path / "corpus/IE-en/NER/towns/meta.json").unlink()
    prepare(tmp_path / "rows", tmp_path / "corpus", overwrite=True)
    card = dataset_page(tmp_path / "rows").card()
    assert card.data.license == "other"
    assert "| en/NER/towns | not stated |" in card.text


def test_json_lines_have_a_card_too(tmp_path):
    prepare(tmp_path / "lines", tasks=["re"], form="jsonl")
    done = CliRunner().invoke(app, ["card", "dataset", str(tmp_path / "lines")])
    assert done.exit_code == 0, done.output
    assert "configs" not in head(tmp_path / "lines" / "README.md")
    assert check_card(tmp_path / "lines") == []
    assert verify(tmp_path / "lines")[1] == []


def test_the_head_says_what_the_sources_say_of_themselves_and_invents_nothing(tmp_path, prepared):
    data = head(prepared / "README.md")
    assert data["task_ids"] == ["named-entity-recognition"]
    assert not {"annotations_creators", "source_datasets"} & data.keys()
    shutil.copytree(sample_corpus(), tmp_path / "corpus")
    for source, words in (("city_news", {"source_datasets": "original"}),
                          ("shop_support", {"annotations_creators": ["found"], "source_datasets": ["a/b"]})):  # fmt: skip
        path = tmp_path / "corpus/IE-en/NER" / source / "meta.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **words}))
    prepare(tmp_path / "said", tmp_path / "corpus", tasks=["ner"], options=Options(language="en"))
    data = dataset_page(tmp_path / "said").data
    assert (data.annotations_creators, data.source_datasets) == (["found"], ["a/b", "original"])
    path.write_text('{"annotations_creators": [1]}')
    problems = prepare(tmp_path / "less", tmp_path / "corpus", tasks=["ner"]).problems
    assert [problem.reason for problem in problems] == ["meta.json says annotations_creators [1]"]


def test_no_place_of_this_machine_stands_in_a_card(tmp_path, prepared):
    text = (prepared / "README.md").read_text()
    assert str(prepared.parent) not in text
    assert "/sample/" not in text


def test_what_is_no_prepared_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no manifest\.json"):
        dataset_page(tmp_path)
    done = CliRunner().invoke(app, ["card", "dataset", str(tmp_path)])
    assert done.exit_code == 1
    assert "manifest.json" in done.output
