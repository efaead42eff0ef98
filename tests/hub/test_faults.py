"""Pushes on a Hub in trouble: after each, the repository is as it was, or holds everything."""

import pytest
from loopback import TOKEN

from iepile_cards.push import push
from iepile_cards.upload_set import HubError, Upload

OLD = {"README.md": b"---\nlicense: mit\n---\n", "a.parquet": b"old rows", "stale.parquet": b"x", "b.json": b"{}"}
NEW = {"README.md": b"---\nlicense: mit\n---\nNew.\n", "a.parquet": b"new rows", "b.json": b"{}", "c.parquet": b"c"}
UPLOAD = Upload("dataset", NEW, ("*.parquet",))
NO_WAITS = (0.0, 0.0, 0.0)


def files(hub):
    return hub.repos["dataset", "user/x"].files()


def count_calls(hub):
    """How many calls a push makes that nothing disturbs."""
    hub.put("dataset", "user/calm", OLD)
    before = len(hub.calls)
    push(UPLOAD, "user/calm")
    return len(hub.calls) - before


def test_one_fault_at_each_call_in_turn_is_mended_by_another_attempt(online):
    calls = count_calls(online)
    assert calls >= 9  # create, info, tree, check, preupload, batch, two files with their proofs, commit
    for fault in (500, 503, 429, "cut", "lost"):
        for number in range(calls):
            online.repos.pop(("dataset", "user/x"), None)
            online.large.clear()
            online.put("dataset", "user/x", OLD)
            first = len(online.calls)
            online.fault = lambda call, at=first + number, fault=fault: fault if call.number == at else None
            done = push(UPLOAD, "user/x", waits=NO_WAITS)
            assert files(online) == NEW, (fault, number)
            # one commit, and none more where only the answer to it was lost
            assert len(online.repos["dataset", "user/x"].branches["main"]) == 2, (fault, number)
            assert (done.commit is None) == (fault == "lost" and online.calls[first + number].path.endswith("/main")
                                             and "/commit/" in online.calls[first + number].path)  # fmt: skip


def test_a_call_that_always_fails_leaves_the_old_state_and_the_next_push_mends_it(online):
    names = ("/repos/create", "/x", "/tree/", "/validate-yaml", "/preupload/", "/batch", "/upload/", "/commit/")
    online.put("dataset", "user/x", OLD)
    for name in names:
        for fault in (500, "cut"):
            asked = [0]

            def trouble(call, name=name, fault=fault, asked=asked):
                hit = name in call.path if name.endswith("/") else call.path.endswith(name)
                asked[0] += hit
                return fault if hit else None

            online.fault = trouble
            told = []
            with pytest.raises(HubError, match="all of this push or nothing of it") as failed:
                push(UPLOAD, "user/x", waits=(0.0,), tell=told.append)
            assert files(online) == OLD, name
            assert len(told) == 1, name
            assert asked[0] >= 2, name
            assert ("500" if fault == 500 else "no answer") in str(failed.value), name
    online.fault = lambda call: None
    push(UPLOAD, "user/x", waits=())
    assert files(online) == NEW


def test_a_large_file_that_came_over_before_the_fault_is_not_sent_again(online):
    online.put("dataset", "user/x", OLD)
    online.fault = lambda call: 500 if "/commit/" in call.path else None
    with pytest.raises(HubError):
        push(UPLOAD, "user/x", waits=())
    online.fault = lambda call: None
    before = len(online.calls)
    push(UPLOAD, "user/x", waits=())
    assert not [call for call in online.calls[before:] if call.path.startswith("/upload/")]


def test_a_hub_that_asks_to_wait_is_waited_for_or_reported(online, monkeypatch):
    waited = []
    monkeypatch.setattr("iepile_cards.push.time.sleep", waited.append)
    online.put("dataset", "user/x", OLD)
    answers = iter([429])
    online.retry_after = "7"
    online.fault = lambda call: next(answers, None) if "/commit/" in call.path else None
    push(UPLOAD, "user/x")
    assert waited == [7.0]
    online.retry_after = "3600"
    online.put("dataset", "user/x", OLD)
    online.fault = lambda call: 429 if "/commit/" in call.path else None
    with pytest.raises(HubError, match="too many requests"):
        push(UPLOAD, "user/x")
    assert waited == [7.0]


@pytest.mark.slow
def test_a_slow_hub_is_no_failure(online):
    online.put("dataset", "user/x", OLD)
    online.fault = lambda call: "slow" if "/commit/" in call.path or "/preupload/" in call.path else None
    told = []
    push(UPLOAD, "user/x", tell=told.append)
    assert (files(online), told) == (NEW, [])


def test_a_hub_that_falls_silent_is_given_up_in_the_end(online, monkeypatch):
    monkeypatch.setattr("iepile_cards.push._SILENCE", 0.2)
    online.put("dataset", "user/x", OLD)
    online.fault = lambda call: "slow" if "/tree/" in call.path else None
    with pytest.raises(HubError, match="no answer from the Hub"):
        push(UPLOAD, "user/x", waits=())


def test_somebody_elses_commit_in_between_is_kept_and_compared_with_anew(online):
    online.put("dataset", "user/x", OLD)

    def meddle(call):
        if "/preupload/" in call.path and len(online.repos["dataset", "user/x"].branches["main"]) == 1:
            online.put("dataset", "user/x", {**OLD, "theirs.txt": b"hello"})

    online.fault = meddle
    told = []
    push(UPLOAD, "user/x", waits=NO_WAITS, tell=told.append)
    assert files(online) == NEW | {"theirs.txt": b"hello"}
    assert "somebody else has committed" in told[0]


@pytest.mark.parametrize(("status", "words"), [(401, "hf auth login"), (403, "may not write here"), (402, "pay")])
def test_a_refusal_is_reported_at_once_with_its_remedy(online, status, words):
    online.put("dataset", "user/x", OLD)
    online.fault = lambda call: status if "/commit/" in call.path else None
    told = []
    with pytest.raises(HubError, match=words) as refused:
        push(UPLOAD, "user/x", tell=told.append)
    assert told == []
    assert TOKEN not in str(refused.value)
    assert files(online) == OLD


def test_a_wrong_token_and_none_are_told_apart(online, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(HubError, match=r"401 .*hf auth login") as refused:
        push(UPLOAD, "user/x", waits=NO_WAITS)
    assert "hf_wrong" not in str(refused.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="no access token"):
        push(UPLOAD, "user/x")
    assert ("dataset", "user/x") not in online.repos


def test_offline_a_push_says_why_it_cannot(online, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set, and a push needs the Hub"):
        push(UPLOAD, "user/x")
    assert not online.calls


def test_a_model_that_the_hub_does_not_have_is_refused_by_one_question(online):
    from iepile_trainer.errors import TrainerError
    from iepile_trainer.models.location import located

    before = len(online.calls)
    with pytest.raises(
        TrainerError, match="cannot load the model user/none: no folder, and on the Hub not there, or priv"
    ):
        located("user/none")
    assert len(online.calls) == before + 1
