"""Pushes to a Hub on loopback by the real client: what goes, what stays, and that it is one commit."""

import json
import shutil
import socket

import pytest
import yaml
from loopback import TOKEN

from iepile_cards.push import push
from iepile_cards.upload_set import HubError, dataset_upload, model_upload, space_upload
from iepile_dataset.corpus.sources import sample_corpus
from iepile_dataset.export.manifest import verify
from iepile_dataset.export.prepare import prepare

CARD = "---\nlicense: mit\n---\n# A page\n"


def folder_of(place, files):
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def space(place, **files):
    """A Space's upload of so many files: text or none."""
    return space_upload(folder_of(place, {"app.py": "x = 1\n", "README.md": CARD, **files}), {})


def commits(hub, kind="space", name="user/x"):
    return hub.repos[kind, name].branches["main"][1:]  # the Hub itself makes the first


def test_the_repository_holds_the_files_byte_for_byte_after_one_commit(online, tmp_path):
    upload = space(tmp_path, **{f"data/{number}.txt": str(number) for number in range(100)})
    done = push(upload, "user/x")
    assert online.repos["space", "user/x"].files() == {
        path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert (len(done.sent), done.deleted, done.same) == (102, (), ())
    assert commits(online) == [done.commit]


def test_again_nothing_is_sent_and_then_only_what_changed(online, tmp_path):
    push(space(tmp_path, **{"old.py": "1", "notes.txt": "n"}), "user/x")
    before = len(online.calls)
    again = push(space(tmp_path), "user/x")
    assert (again.commit, again.sent) == (None, ())
    assert not any("/preupload/" in call.path or "/commit/" in call.path for call in online.calls[before:])
    (tmp_path / "old.py").unlink()
    (tmp_path / "notes.txt").unlink()
    third = push(space(tmp_path, **{"app.py": "x = 2\n"}), "user/x")
    # code that is no longer goes; a text that a push did not surely put there stays
    assert (third.sent, third.deleted) == (("app.py",), ("old.py",))
    assert set(online.repos["space", "user/x"].files()) == {"app.py", "README.md", "notes.txt"}
    assert len(commits(online)) == 2


def test_a_branch_is_made_and_main_is_not_touched(online, tmp_path):
    push(space(tmp_path), "user/x")
    done = push(space(tmp_path, **{"app.py": "x = 2\n"}), "user/x", revision="try/one")
    repo = online.repos["space", "user/x"]
    assert (repo.files("main")["app.py"], repo.files("try/one")["app.py"]) == (b"x = 1\n", b"x = 2\n")
    assert done.sent == ("app.py",)


def test_private_means_private_and_what_is_public_is_not_called_private(online, tmp_path):
    assert push(space(tmp_path), "user/x", private=True).private
    assert online.repos["space", "user/x"].private
    assert push(space(tmp_path, **{"app.py": "x = 2\n"}), "user/x").private  # it stays so
    push(space(tmp_path), "user/open")
    with pytest.raises(HubError, match="is public, and --private does not hide"):
        push(space(tmp_path, **{"app.py": "x = 3\n"}), "user/open", private=True)
    assert online.repos["space", "user/open"].files()["app.py"] == b"x = 1\n"


def test_a_smaller_dataset_leaves_no_old_shards_behind(online, prepared, tmp_path):
    rows = tmp_path / "rows"
    shutil.copytree(prepared, rows)
    old = "ner/train-00001-of-00002.parquet"
    shutil.copy(rows / "ner/train-00000-of-00001.parquet", rows / old)
    names = [path.relative_to(rows).as_posix() for path in rows.rglob("*") if path.is_file()]
    push(dataset_upload(rows, names, {}, ["ner", "re"]), "user/rows")
    online.put(
        "dataset",
        "user/rows",
        {**online.repos["dataset", "user/rows"].files(), "data/train-00000-of-00001.parquet": b"mine"},
    )
    done = push(dataset_upload(rows, [name for name in names if name != old], {}, ["ner", "re"]), "user/rows")
    # the globs of its page would have read the old shard; what somebody else put there is not ours to take
    assert done.deleted == (old,)
    assert "data/train-00000-of-00001.parquet" in online.repos["dataset", "user/rows"].files()
    assert "quarantine.jsonl" not in online.repos["dataset", "user/rows"].files()


def test_a_dataset_with_test_rows_is_a_benchmark_of_the_hub_and_one_without_is_none(hub, prepared, command, tmp_path):
    done = command("push", "dataset", shutil.copytree(prepared, tmp_path / "rows"), "user/rows")
    assert done.exit_code == 0, done.output
    files = hub.repos["dataset", "user/rows"].files()
    stated = yaml.safe_load(files["eval.yaml"])
    configs = [one["config_name"] for one in yaml.safe_load(files["README.md"].decode().split("---\n")[1])["configs"]]
    assert [(task["id"], task["config"], task["split"]) for task in stated["tasks"]] == [
        (config, config, "test") for config in configs if not config.startswith("raw_")
    ]
    fetched = tmp_path / "fetched"
    for name, data in files.items():
        (fetched / name).parent.mkdir(parents=True, exist_ok=True)
        (fetched / name).write_bytes(data)
    assert [line for line in verify(fetched)[1] if "statistics" not in line] == []
    corpus = shutil.copytree(sample_corpus(), tmp_path / "corpus")
    for file in corpus.rglob("test.json"):
        file.unlink()
    prepare(tmp_path / "less", corpus, tasks=["ner"])
    done = command("push", "dataset", tmp_path / "less", "user/rows")
    assert done.exit_code == 0, done.output
    assert "eval.yaml" not in hub.repos["dataset", "user/rows"].files()


def test_what_leads_out_of_the_folder_or_holds_a_token_is_refused(online, tmp_path, monkeypatch):
    (tmp_path / "secret.txt").write_text("s")
    place = tmp_path / "space"
    upload = space(place, **{".env": "A=1", "token": "x", "__pycache__/a.py": "x", ".cache/b.txt": "x", ".a.txt": "x"})
    assert set(upload.files) == {"app.py", "README.md"}
    (place / "a.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(HubError, match="outside the folder"):
        space(place)
    (place / "a.txt").unlink()
    for name in ("notes.json", "page.html", "conf.toml"):
        for told in (TOKEN, "hf_" + "a1B2" * 9):
            with pytest.raises(HubError, match=f"{name}: holds an access token") as refused:
                space(place, **{name: f'{{"t": "{told}"}}'})
            assert told not in str(refused.value)
        (place / name).unlink()
    assert not online.calls


@pytest.mark.parametrize("name", ["x", "a/b/c", "user/", "user/a b", "../x"])
def test_what_is_no_name_is_refused_before_any_call(online, tmp_path, name):
    with pytest.raises(HubError, match=name.split("/")[0]):
        push(space(tmp_path), name)
    assert not online.calls


def test_a_dry_run_lists_files_sizes_and_page_opens_no_socket_and_writes_nothing(
    hub, prepared, command, monkeypatch, tmp_path
):
    def refused(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.delenv("HF_TOKEN")
    prepared = shutil.copytree(prepared, tmp_path / "rows")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    told = command("push", "dataset", prepared, "user/iepile", "--dry-run").stdout
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    for file in prepared.rglob("*.parquet"):
        assert f"{file.stat().st_size:,}  {file.relative_to(prepared).as_posix()}" in told
    assert 'load_dataset("user/iepile"' in told
    assert "license: cc-by-4.0" in told
    assert "nothing was sent" in told
    assert 'evaluate.load("user/f1"' in command("push", "metric", "user/f1", "--dry-run").stdout
    assert not hub.calls


def test_sources_that_may_not_be_passed_on_are_named_and_held_back(hub, command, tmp_path):
    corpus = tmp_path / "IE-en" / "NER"
    for name, licence in (("free", "CC-BY 4.0"), ("bare", ""), ("whole", "CC BY-ND 4.0"), ("bought", "LDC agreement")):
        line = json.dumps({"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]})
        files = {"train.json": line + "\n", "schema.json": '["city"]\n[]\n{}\n'}
        folder_of(corpus / name, files | {"meta.json": json.dumps({"licence": licence})})
    assert command("prepare", tmp_path, "--out", tmp_path / "rows").exit_code == 0
    refused = command("push", "dataset", tmp_path / "rows", "user/rows")
    assert refused.exit_code == 1
    for words in ("en/NER/bare (no words)", "whole (CC BY-ND 4.0)", "bought (LDC agreement)", "--licence derivatives"):
        assert words in refused.stderr
    assert "NER/free" not in refused.stderr
    assert not hub.calls
    assert command("push", "dataset", tmp_path / "rows", "user/mine", "--private").exit_code == 0
    assert command("push", "dataset", tmp_path / "rows", "user/rows", "--licences-checked").exit_code == 0
    assert command("prepare", tmp_path, "--out", tmp_path / "free", "--licence", "derivatives").exit_code == 0
    assert command("push", "dataset", tmp_path / "free", "user/free").exit_code == 0


@pytest.mark.parametrize("name", ["a.b", "scores", "app"])
def test_a_metric_is_not_pushed_under_a_name_that_no_module_can_bear(hub, command, name):
    done = command("push", "metric", f"user/{name}")
    assert (done.exit_code, "evaluate cannot load a metric of this name" in done.stderr) == (1, True)
    assert not hub.calls


def test_the_packages_own_app_is_pushed_whole(hub, command):
    done = command("push", "app", "user/iepile-demo", "--private")
    assert done.exit_code == 0, done.output
    assert {"app.py", "requirements.txt", "README.md"} <= set(hub.repos["space", "user/iepile-demo"].files())
    assert hub.repos["space", "user/iepile-demo"].private


def test_an_app_is_pushed_with_the_page_that_it_has_or_is_given_one(hub, command, tmp_path):
    place = folder_of(tmp_path / "app", {"app.py": "x = 1", "requirements.txt": "iepile\n", "examples/a.json": "{}"})
    assert command("push", "app", "user/demo", "--folder", place).exit_code == 0
    files = hub.repos["space", "user/demo"].files()
    assert set(files) == {"README.md", "app.py", "requirements.txt", "examples/a.json"}
    assert b"sdk: gradio" in files["README.md"]
    (place / "README.md").write_text(CARD)
    done = command("push", "app", "user/demo", "--folder", place)
    assert "1 files sent, 0 deleted, 3 unchanged" in done.stdout
    assert hub.repos["space", "user/demo"].files()["README.md"] == CARD.encode()


def test_the_record_of_a_run_goes_without_this_machines_folders(tmp_path):
    run = folder_of(tmp_path, {"model.safetensors": "w", "run.json": ""})
    told = {
        "base_model": "/home/ada/models/base",
        "data": [{"dataset": "~/rows", "options": {"data_dir": "../clients/rows"}}],
        "options": {"kind": "a/b"},
        "seed": 1,
    }
    (run / "run.json").write_text(json.dumps(told))
    sent = json.loads(model_upload(run, CARD).files["run.json"])
    assert sent == {
        "base_model": "base",
        "data": [{"dataset": "rows", "options": {"data_dir": "rows"}}],
        "options": {"kind": "a/b"},
        "seed": 1,
    }


def test_weights_that_are_not_whole_are_not_pushed(hub, command, tmp_path):
    run = folder_of(tmp_path, {"run.json": '{"method": "full"}', "README.md": CARD, "model-1.safetensors": ""})
    header = b'{"w": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}'
    whole = len(header).to_bytes(8, "little") + header + b"1234"
    for data in (whole[:-1], whole[:20], b""):
        (run / "model-1.safetensors").write_bytes(data)
        done = command("push", "model", run, "user/m")
        assert (done.exit_code, "model-1.safetensors is damaged" in done.stderr) == (1, True)
    (run / "model-1.safetensors").write_bytes(whole)
    index = {"weight_map": {"w": "model-1.safetensors", "v": "model-2.safetensors"}}
    (run / "model.safetensors.index.json").write_text(json.dumps(index))
    done = command("push", "model", run, "user/m")
    assert (done.exit_code, "model-2.safetensors: missing" in done.stderr) == (1, True)
    assert not hub.calls
    (run / "model-2.safetensors").write_bytes(whole)
    assert command("push", "model", run, "user/m").exit_code == 0
    (run / "run.json").write_text("[1]")
    done = command("push", "model", run, "user/m")
    assert (done.exit_code, done.stderr.count("\n"), "run.json" in done.stderr) == (1, 1, True)


def test_json_lines_are_pushed_with_the_word_that_none_loads_them_by_configuration(hub, command, tmp_path):
    assert command("prepare", "--out", tmp_path / "rows", "--task", "ner", "--format", "jsonl").exit_code == 0
    done = command("push", "dataset", tmp_path / "rows", "user/lines")
    assert done.exit_code == 0, done.output
    assert "cannot be loaded by configuration" in done.stderr
    assert "wrote README.md into" in done.stderr
    assert {"ner/train.json", "ner/dev.json", "ner/test.json"} < set(hub.repos["dataset", "user/lines"].files())


def test_a_folder_that_is_not_what_its_manifest_says_is_not_pushed(hub, prepared, command, tmp_path):
    rows = shutil.copytree(prepared, tmp_path / "rows")
    mine = (rows / "README.md").read_text() + "My own words."  # its owner may write there
    (rows / "README.md").write_text(mine)
    assert command("push", "dataset", rows, "user/rows").exit_code == 0
    assert hub.repos["dataset", "user/rows"].files()["README.md"] == mine.encode()
    (rows / "README.md").write_text("My own words alone.")
    done = command("push", "dataset", rows, "user/rows")
    assert (done.exit_code, "no configs at its head" in done.stderr) == (1, True)
    (rows / "README.md").write_text(mine)
    (rows / "ner/test-00000-of-00001.parquet").write_bytes(b"something else")
    done = command("push", "dataset", rows, "user/rows")
    assert (done.exit_code, "ner/test-00000-of-00001.parquet: changed" in done.stderr) == (1, True)
    done = command("push", "dataset", tmp_path, "user/rows")
    assert (done.exit_code, "iepile prepare writes one" in done.stderr) == (1, True)
    done = command("push", "model", tmp_path, "user/model")
    assert (done.exit_code, "not the folder of a finished run" in done.stderr) == (1, True)


def test_the_manifest_goes_without_places_and_still_proves_the_rows(online, prepared, tmp_path):
    from iepile_dataset.export.manifest import published, verify

    told, _ = verify(prepared)
    texts = {"README.md": CARD}
    push(
        dataset_upload(prepared, told["files"], {**texts, "manifest.json": published(told, texts)}, ["ner", "re"]),
        "user/rows",
    )
    for name, data in online.repos["dataset", "user/rows"].files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    fetched, wrong = verify(tmp_path)
    assert (wrong, fetched["rows_sha256"]) == ([], told["rows_sha256"])
    assert "/home" not in (text := json.dumps(fetched))
    assert str(prepared.parent) not in text
    assert fetched["sources"][0]["path"] == "IE-en/NER/city_news"
