import hashlib
import json
import shutil
from importlib.util import find_spec

import pytest
from datasets import load_dataset
from typer.testing import CliRunner

from iepile.cli import app
from iepile_dataset import DataError, Options
from iepile_dataset.corpus.sources import sample_corpus
from iepile_dataset.export.manifest import verify
from iepile_dataset.export.prepare import prepare
from iepile_dataset.licences import allows

from ...forked import run
from ..conftest import NER_SCHEMA


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_same_data_has_one_digest_wherever_it_lies_and_whoever_builds_it(tmp_path):
    shutil.copytree(sample_corpus(), tmp_path / "elsewhere")
    one = prepare(tmp_path / "one", tasks=["ner"])
    two = prepare(tmp_path / "two", str(tmp_path / "elsewhere"), tasks=["ner"], num_proc=2)
    lines = prepare(tmp_path / "lines", tasks=["ner"], form="jsonl")
    other = prepare(tmp_path / "other", tasks=["ner"], options=Options(seed=1))
    assert one.rows_sha256 == two.rows_sha256 == lines.rows_sha256 != other.rows_sha256


def test_a_folder_proves_itself_until_a_byte_changes(tmp_path):
    prepare(tmp_path / "rows", tasks=["ner"])
    assert verify(tmp_path / "rows")[1] == []
    assert invoke("verify", tmp_path / "rows").exit_code == 0
    file = tmp_path / "rows/ner/test-00000-of-00001.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = invoke("verify", tmp_path / "rows")
    assert done.exit_code == 1
    assert "ner/test-00000-of-00001.parquet: changed" in done.stderr
    file.unlink()
    (tmp_path / "rows/ner/more.parquet").write_bytes(b"")
    wrong = verify(tmp_path / "rows")[1]
    assert any("missing" in line for line in wrong)
    assert any("not in the manifest" in line for line in wrong)


def test_verify_says_what_it_needs(tmp_path):
    with pytest.raises(DataError, match=r"no manifest\.json"):
        verify(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(DataError, match="not a manifest"):
        verify(tmp_path)


def test_the_manifest_names_sources_digests_licences_counts_and_versions(tmp_path):
    prepare(tmp_path / "rows", tasks=["re"], options=Options(language="en"))
    facts = json.loads((tmp_path / "rows/manifest.json").read_text())
    assert [source["source"] for source in facts["sources"]] == ["en/RE/biographies", "en/RE/gazetteer"]
    for source in facts["sources"]:
        assert source["licence"].startswith("CC-BY-4.0")
        assert len(source["files"]["train"]["sha256"]) == 64
        assert source["counts"]["train"]["read"] == 26
    assert facts["options"]["seed"] == 42
    assert facts["versions"]["iepile"]


def test_the_original_layout_is_written_as_json_lines(tmp_path):
    prepare(tmp_path / "rows", tasks=["ner"], form="jsonl")
    made = load_dataset("iepile", "ner")
    train = [json.loads(line) for line in (tmp_path / "rows/ner/train.json").open(encoding="utf-8")]
    assert list(train[0]) == ["task", "source", "instruction", "output"]
    assert [row["output"] for row in train] == made["train"]["output"]
    test = [json.loads(line) for line in (tmp_path / "rows/ner/test.json").open(encoding="utf-8")]
    assert list(test[0]) == ["id", "task", "source", "instruction", "label"]
    assert [row["label"] for row in test] == made["test"]["label"]


def test_raw_configurations_hold_the_records_as_they_were(tmp_path):
    prepare(tmp_path / "rows", tasks=["ner", "eet"])
    raw = load_dataset(str(tmp_path / "rows"), "raw_ner", split="test")
    lines = (line for name in ("city_news", "shop_support") for line in
             open(f"{sample_corpus()}/IE-en/NER/{name}/test.json", encoding="utf-8"))  # noqa: SIM115  # fmt: skip
    assert raw["record"][:16] == [line.strip() for line in lines]
    assert not (tmp_path / "rows/raw/eet").exists()


def test_the_first_raw_record_has_no_byte_order_mark(source, tmp_path):
    line = '{"text": "In Ulm", "entity": []}'
    source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=["\ufeff" + line, line])
    prepare(tmp_path / "out", tmp_path / "in")
    assert load_dataset(str(tmp_path / "out"), "raw_ner", split="train")["record"][:] == [line, line]


def test_records_of_every_kind_of_folder_are_published_once(source, tmp_path):
    related = {"text": "Ada left Ulm", "relation": [
        {"head": "Ada", "head_type": "person", "relation": "left", "tail": "Ulm", "tail_type": "city"}]}  # fmt: skip
    source(tmp_path / "in/IE-en/SPO/trips", '[]\n["left"]\n{"left": [["person", "city"]]}', train=[related])
    sued = {"text": "Ada sued", "event": [{"event_trigger": "sued", "event_type": "suit", "arguments": []}]}
    for name in ("EE", "EET"):
        source(tmp_path / f"in/IE-en/{name}/court", '["suit"]\n["who"]\n{"suit": ["who"]}', train=[sued])
    source(tmp_path / "alone", '["suit"]\n["who"]\n{"suit": ["who"]}', train=[sued])
    prepare(tmp_path / "out", tmp_path / "in")
    assert sorted(path.name for path in (tmp_path / "out/raw").iterdir()) == ["ee", "eet", "spo"]
    prepare(tmp_path / "out2", tmp_path / "alone")
    assert sorted(path.name for path in (tmp_path / "out2").iterdir() if path.is_dir()) == ["ee", "eea", "eet", "raw"]
    assert [path.name for path in (tmp_path / "out2/raw").iterdir()] == ["ee"]


def test_a_second_build_in_one_process_digests_its_sources_anew(source, tmp_path):
    for text in ("In Ulm", "In Bonn"):
        folder = source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[{"text": text, "entity": []}])
        prepare(tmp_path / "out", tmp_path / "in", overwrite=True)
        (told,) = json.loads((tmp_path / "out/manifest.json").read_text())["sources"]
        assert told["files"]["train"]["sha256"] == hashlib.sha256((folder / "train.json").read_bytes()).hexdigest()


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_an_edit_of_any_file_or_of_the_manifest_shows(source, tmp_path, form):
    source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[{"text": "In Ulm", "entity": []}, "{"])
    prepare(tmp_path / "out", tmp_path / "in", form=form)
    manifest = tmp_path / "out/manifest.json"
    whole = json.loads(manifest.read_text())
    (tmp_path / "out/.gitattributes").write_text("")  # the Hub's own files are none of ours
    assert verify(tmp_path / "out")[1] == []
    for change in ({"options": {}}, {"sources": []}, {"rows": 5}):
        manifest.write_text(json.dumps(whole | change))
        assert verify(tmp_path / "out")[1] == ["manifest.json: changed since it was written"]
    for change in ({"files": 5}, {"rows": "5"}, {"manifest_sha256": None}):
        manifest.write_text(json.dumps(whole | change))
        with pytest.raises(DataError, match=f"not a manifest of prepared rows: {next(iter(change))} is"):
            verify(tmp_path / "out")
    manifest.write_text(json.dumps(whole))
    for name in ("README.md", "quarantine.jsonl"):
        (tmp_path / "out" / name).write_text("edited")
    (tmp_path / "out/more.jsonl").write_text("{}")
    assert verify(tmp_path / "out")[1] == [
        "more.jsonl: not in the manifest",
        "README.md: changed since it was written",
        "quarantine.jsonl: changed since it was written",
    ]


def test_verify_counts_json_lines_and_says_what_it_cannot_prove(tmp_path):
    prepare(tmp_path / "rows", tasks="ner", options=Options(language="en"), form="jsonl")
    done = invoke("verify", tmp_path / "rows")
    assert done.exit_code == 0
    assert "JSON lines do not hold all" in done.output


@pytest.mark.parametrize(
    ("words", "use", "allowed"),
    [
        ("repo LICENSE: MIT", "commercial", True),
        ("README: CC-BY 4.0", "commercial", True),
        ("CC BY-SA 4.0", "derivatives", True),
        ("CC BY-NC-SA 4.0", "commercial", False),
        ("CC BY-NC-SA 4.0", "derivatives", True),
        ("CC BY-ND 4.0", "derivatives", False),
        ('repo LICENSE: MIT; README: "for academic research purposes only"', "commercial", False),
        ("README: annotations CC BY-SA 3.0; user text not covered", "any", False),
        ("", "any", False),
        ("ask us", "any", False),
        ("README/LICENSE.md: CC-BY 4.0 (code MIT)", "commercial", True),
        ("release README inside: CC-BY 3.0", "derivatives", True),
        ("apache-2.0", "commercial", True),
        ("license: mit", "commercial", True),
        ("GPLv3", "any", True),
        ("CC-BY 4.0, for non commercial use", "commercial", False),
        ("CC-BY 4.0 (not for commercial use)", "commercial", False),
        ("MIT, commercial use prohibited", "commercial", False),
        ("MIT, for research purposes", "commercial", False),
        ("MIT, academic use", "commercial", False),
        ("CC_BY_NC_4.0", "commercial", False),
        ("CC_BY_NC_4.0", "any", True),
        ("CC BY 4.0 No Derivatives", "derivatives", False),
        ("MITRE Data Use Agreement", "any", False),
        ("mit Genehmigung", "any", False),
        ("MIT (code); data unlicensed", "any", False),
        ("MIT (code); data: see the publisher", "any", False),
    ],
)
def test_licence_words_allow_only_what_they_plainly_say(words, use, allowed):
    assert allows(words, use) is allowed


def test_sources_can_be_filtered_by_what_their_licence_allows(tmp_path, source):
    record = {"text": "In Ulm", "entity": []}
    for name, words in (("free", "MIT"), ("bound", "CC BY-NC 4.0"), ("silent", "")):
        source(tmp_path / f"in/IE-en/NER/{name}", NER_SCHEMA, train=[record])
        (tmp_path / f"in/IE-en/NER/{name}/meta.json").write_text(json.dumps({"licence": words}))
    done = invoke("prepare", tmp_path / "in", "--out", tmp_path / "out", "--licence", "commercial")
    assert done.exit_code == 0, done.stderr
    assert set(load_dataset(str(tmp_path / "out"), "ner", split="train")["source"]) == {"free"}
    assert "do not plainly" in done.output
    everything = invoke("prepare", tmp_path / "in", "--out", tmp_path / "all")
    assert "no licence words in meta.json: en/NER/silent" in everything.output


@pytest.mark.slow
def test_stock_trl_trains_on_a_prepared_folder(tmp_path, tiny_llama):
    prepare(tmp_path / "rows", tasks=["ner"], options=Options(language="en"))
    options = ["--model_name_or_path", tiny_llama, "--dataset_name", tmp_path / "rows", "--dataset_config", "ner",
               "--max_steps", 2, "--output_dir", tmp_path / "model", "--report_to", "none", "--use_cpu",
               "--bf16", False, "--per_device_train_batch_size", 2]  # fmt: skip
    run(find_spec("trl.scripts.sft").origin, *options, cwd=tmp_path)
    assert list((tmp_path / "model").glob("*.safetensors"))
