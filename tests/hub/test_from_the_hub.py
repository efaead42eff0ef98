"""A corpus on the Hub is read as one on the disk is: the same rows, by ranges, at the revision that was asked for."""

import json

import pytest

from iepile_dataset.corpus.sources import sample_corpus

RAW = "hf://datasets/user/raw"
START = (
    "import json, logging, iepile\nfrom datasets import load_dataset, disable_progress_bars\ndisable_progress_bars()\n"
)


@pytest.fixture
def raw(hub):
    """The embedded sample as a repository: all of it on main, one source on the branch v1."""
    from pathlib import Path

    folder = Path(sample_corpus())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    hub.put("dataset", "user/raw", {path: data for path, data in files.items() if "city_news" in path}, "v1")
    hub.put("dataset", "user/raw", files)
    return hub


@pytest.mark.slow
def test_rows_from_the_hub_are_those_from_the_disk_however_they_are_read(raw, script):
    told = script(
        START + f"here, far = {sample_corpus()!r}, {RAW!r}\n"
        "for task in ('ner', 'ee'):\n"
        "    plain, stream = load_dataset('iepile', task, data_dir=far), load_dataset('iepile', task, data_dir=far, streaming=True)\n"
        "    for split, rows in load_dataset('iepile', task, data_dir=here).items():\n"
        "        assert rows.to_list() == plain[split].to_list() == list(stream[split]) != []\n"
        "cut = load_dataset('iepile', 'ner', data_dir=far, split='train', streaming=True, num_shards=3)\n"
        "assert list(cut) == load_dataset('iepile', 'ner', data_dir=here, split='train').to_list() and cut.num_shards == 3\n"
        "one = load_dataset('iepile', 'ner', data_dir=far, source='shop_support', split='test')\n"
        "file = load_dataset('iepile', 'ner', data_files={'test': far + '/IE-en/NER/shop_support/test.json'}, split='test')\n"
        "print(sorted(set(one['source'])), one['instruction'] == file['instruction'])\n"
        "from iepile_dataset.export.prepare import prepare\n"
        "import tempfile\n"
        "print(len({prepare(tempfile.mkdtemp() + '/r', place, tasks=['re']).rows_sha256 for place in (here, far)}))\n"
    )
    assert told.splitlines() == ["['shop_support'] True", "1"]


def test_a_revision_is_pinned_by_address_or_by_option_and_a_new_commit_is_seen(raw, script):
    new = raw.repos["dataset", "user/raw"].sha("v1")
    told = script(
        START + f"far, sha = {RAW!r}, {new!r}\n"
        "from huggingface_hub import HfApi\n"
        "def load(place, **options): return load_dataset('iepile', 'ner', data_dir=place, split='test', **options)\n"
        "pinned = [load(far + '@v1'), load(far, revision='v1'), load(f'{far}@{sha}/IE-en/NER/city_news')]\n"
        "print([sorted({rows[0]['id'], *rows['source']}) for rows in pinned], len(load(far)))\n"
        # one record more: a new file of the same name must not be served from a cache
        "line = json.dumps({'text': 'In Ulm', 'entity': [{'entity': 'Ulm', 'entity_type': 'location'}]})\n"
        "old = open('%s/IE-en/NER/city_news/test.json').read()\n"
        % sample_corpus()
        + "HfApi().upload_file(path_or_fileobj=(old + line).encode(), path_in_repo='IE-en/NER/city_news/test.json',\n"
        "                    repo_id='user/raw', repo_type='dataset')\n"
        "print(len(load(far)) - len(load(far + '@v1')), len(load(far, revision='v1')))\n"
        "for place, revision in ((far + '@v1', 'v2'), ('/tmp', 'v1'), (far + '@no-such', None), ('hf://datasets/user/none', None)):\n"
        "    try: load(place, revision=revision)\n    except Exception as problem: print(type(problem).__name__, problem)\n"
    ).splitlines()
    assert told[0] == f"{[['city_news', 'en/NER/city_news/test:1']] * 3} 48"
    # 32 rows of other sources, and 8 records of two batches each became 9
    assert told[1] == "34 16"
    for line, words in zip(
        told[2:], ("another than its own", "needs an address on the Hub", "revision not found", "repository not found")
    ):
        assert line.startswith("DataError"), line
        assert words in line, line


@pytest.mark.slow
def test_a_big_file_is_read_by_ranges_and_only_as_far_as_asked(hub, script):
    text = "In Ulm " + "and about " * 300
    line = json.dumps({"text": text, "entity": [{"entity": "Ulm", "entity_type": "city"}]}) + "\n"
    files = {"schema.json": b'["city"]\n[]\n{}\n', "train.json": line.encode() * 6000}  # 18 MB
    hub.put("dataset", "user/big", files)

    def trouble(call):  # the second range fails once: the library asks for it anew
        ranges = [each for each in hub.calls if each.range]
        return 503 if len(ranges) == 2 and call is ranges[-1] else None

    hub.fault = trouble
    told = script(
        START +
        "stream = load_dataset('iepile', 'ner', data_dir='hf://datasets/user/big', split='train', streaming=True)\n"
        "print(next(iter(stream))['source'])\n"
        "print(sum(1 for row in load_dataset('iepile', 'ner', data_dir='hf://datasets/user/big', split='train')))\n"
    )  # fmt: skip
    assert told.split() == ["big", "6000"]
    sizes = []
    for call in hub.calls:
        if call.path.endswith("train.json"):
            assert call.range, "asked for whole"
            start, end = call.range.removeprefix("bytes=").split("-")
            sizes.append(int(end) - int(start) + 1)
    whole = len(files["train.json"])
    assert max(sizes) < whole / 2
    # the first row took a part of the file, all rows the rest once, one range twice
    assert whole < sum(sizes) < 2 * whole


@pytest.mark.slow
def test_a_private_corpus_needs_the_token_and_offline_the_reason_is_told(hub, raw, script):
    hub.repos["dataset", "user/raw"].private = True
    code = START + (
        f"try: print(len(load_dataset('iepile', 'ner', data_dir={RAW!r}, split='test')))\n"
        "except Exception as problem: print(type(problem).__name__, problem)\n"
    )
    assert script(code).strip() == "48"
    refused = script(code, HF_TOKEN="")
    assert refused.startswith("DataError")
    assert "token" in refused
    offline = script(code + "print(len(load_dataset('iepile', 'ner', split='test')))", HF_HUB_OFFLINE="1").splitlines()
    assert "offline" in offline[0].lower()
    assert offline[0].startswith("DataError")
    assert int(offline[1]) > 0


@pytest.mark.slow
def test_a_record_names_the_commit_of_the_dataset_that_was_trained_on(hub, prepared, command, script, tmp_path):
    import shutil

    done = command("push", "dataset", shutil.copytree(prepared, tmp_path / "rows"), "user/rows")
    assert done.exit_code == 0, done.output
    told = script(
        "import json\nfrom iepile_trainer.data.arguments import DataArguments\n"
        "from iepile_trainer.data.load import load_both, manifest\n"
        "data = DataArguments(dataset='user/rows', task=['ner', 're'])\n"
        "rows = load_both(data, False).rows\n"
        "print(json.dumps([entry['revision'] for entry in manifest(rows.add_column('length', [1] * len(rows)), data, 'train')]))\n"
    )
    commit = {"user/rows": hub.repos["dataset", "user/rows"].sha("main")}
    assert json.loads(told.splitlines()[-1]) == [commit, commit]
