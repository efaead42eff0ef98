"""`iepile download`: licence first, one revision, whole; begun again where it broke off."""

import pytest

from iepile_cards.download import download
from iepile_cards.push import explained
from iepile_cards.upload_set import HubError

BIG = bytes(range(256)) * 1000
FILES = {"README.md": b"---\nlicense: cc-by-4.0\n---\n# Rows\n", "ner/train-0.parquet": BIG, "a/b.txt": b"text"}


@pytest.fixture
def rows(online):
    online.put("dataset", "user/rows", {**FILES, "a/b.txt": b"old text"}, "v1")
    online.put("dataset", "user/rows", FILES)
    return online


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.parts
    }


def test_the_licence_is_told_before_the_first_file_comes(rows, tmp_path):
    told = []

    def tell(line):
        told.append((line, [call.path for call in rows.calls if call.path.endswith((".parquet", ".txt"))]))

    done = download("user/rows", tmp_path / "out", tell=tell)
    assert told == [("licence: cc-by-4.0", [])]
    assert files(tmp_path / "out") == FILES
    assert (done.files, done.size, done.others) == (3, sum(map(len, FILES.values())), ())
    assert done.commit == rows.repos["dataset", "user/rows"].sha("main")


def test_the_corpus_is_named_with_its_licence_and_silence_is_told_as_such(rows, tmp_path):
    told = []
    rows.put("dataset", "zjunlp/iepile", {"README.md": b"---\nlicense: cc-by-nc-sa-4.0\n---\n"})
    download("zjunlp/iepile", tmp_path / "corpus", tell=told.append)
    assert "cc-by-nc-sa-4.0" in told[0]
    assert "some of its sources are stricter" in told[0]
    rows.put("dataset", "user/iepile", {"README.md": b"---\nlicense: cc-by-4.0\n---\n"})  # another of that name
    download("user/iepile", tmp_path / "other", tell=told.append)
    assert told[1] == "licence: cc-by-4.0"
    rows.put("dataset", "user/bare", {"x.txt": b"x"})
    download("user/bare", tmp_path / "bare", tell=told.append)
    assert "states none" in told[2]


def test_a_revision_is_fetched_and_another_into_the_same_folder_replaces_it(rows, tmp_path):
    out = tmp_path / "out"
    old = download("user/rows", out, revision="v1")
    assert files(out)["a/b.txt"] == b"old text"
    rows.put("dataset", "user/rows", {path: data for path, data in FILES.items() if path != "ner/train-0.parquet"})
    new = download("user/rows", out)
    assert files(out)["a/b.txt"] == b"text"
    assert new.others == ("ner/train-0.parquet",)
    assert new.commit != old.commit
    with pytest.raises(HubError, match="no such repository or revision"):
        download("user/rows", out, revision="v9")


def test_a_cut_file_is_gone_on_with_and_whole_files_are_not_fetched_again(rows, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    large = BIG * 100  # the library keeps what came in pieces of 10 MB
    rows.put("dataset", "user/large", {"train.parquet": large})
    hits = []

    def trouble(call):
        if call.method == "GET" and call.path.endswith(".parquet"):
            hits.append(call.range)
            return "half" if len(hits) == 1 else None

    rows.fault = trouble
    download("user/large", tmp_path / "cut")
    assert files(tmp_path / "cut") == {"train.parquet": large}
    assert hits == ["", f"bytes={10 << 20}-"]
    rows.fault = lambda call: 500 if call.path.endswith("b.txt") else None
    with pytest.raises(HubError, match=r"500 .*whole files are kept"):
        download("user/rows", tmp_path / "twice", waits=())
    rows.fault = lambda call: None
    before = len(rows.calls)
    download("user/rows", tmp_path / "twice")
    assert files(tmp_path / "twice") == FILES
    assert not [call for call in rows.calls[before:] if call.method == "GET" and call.path.endswith(".parquet")]


@pytest.mark.slow
def test_each_call_may_fail_once_and_the_folder_is_whole_all_the_same(rows, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    before = len(rows.calls)
    download("user/rows", tmp_path / "calm")
    for fault in (500, "cut"):
        for number in range(len(rows.calls) - before):
            start = len(rows.calls)
            rows.fault = lambda call, at=start + number, fault=fault: fault if call.number == at else None
            download("user/rows", tmp_path / f"{fault}-{number}", waits=(0.0, 0.0))
            assert files(tmp_path / f"{fault}-{number}") == FILES, (fault, number)


def test_a_gated_repository_is_not_taken_for_one_that_may_not_be_written():
    from huggingface_hub.errors import GatedRepoError
    from huggingface_hub.utils import hf_raise_for_status

    from iepile_cards.push import _http

    http = _http()

    request = http.Request("GET", "https://hub.test/api/datasets/user/rows/tree/main")
    with pytest.raises(GatedRepoError) as refused:
        hf_raise_for_status(http.Response(403, headers={"X-Error-Code": "GatedRepo"}, request=request))
    told, again, _ = explained(refused.value, "user/rows")
    assert (told, again) == (
        "user/rows: 403 (its authors want their terms accepted first, on its page at the Hub)",
        False,
    )


def test_what_cannot_be_fetched_is_told_with_its_reason(rows, tmp_path, monkeypatch, command):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("x")
    done = command("download", "user/rows", "--out", tmp_path / "mine")
    assert (done.exit_code, "give another --out" in done.stderr) == (1, True)
    done = command("download", "user/none", "--out", tmp_path / "none")
    assert (done.exit_code, "no such repository" in done.stderr) == (1, True)
    assert not (tmp_path / "none").exists()
    done = command("download", "user/rows", "--out", tmp_path / "good")
    assert (done.exit_code, "licence: cc-by-4.0" in done.stderr) == (0, True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    done = command("download", "user/rows", "--out", tmp_path / "off")
    assert (done.exit_code, "HF_HUB_OFFLINE is set" in done.stderr) == (1, True)
