"""The server as its users have it: a process of its own, a model that knows some sentences, a client over HTTP."""

import asyncio
import json
import re
import subprocess
import sys

import httpx
import jsonschema
import pytest
from pydantic import ValidationError

from iepile_dataset import Schema
from iepile_trainer import Client
from iepile_trainer.serve.arguments import ServeArguments
from iepile_trainer.serve.client import ServerError
from iepile_trainer.serve.requests import ExtractRequest, Refused, documents_in

from ...sentences import ADA, BO, LEARNT, SUED, ZH, entities, rows_of

ODD = Schema(types=('"}] 🎈\n',))
BALLOON = "🎈🎈 A balloon."
LABELS = ["person", "place"]


@pytest.fixture(scope="module")
def server(by_heart, tmp_path_factory):
    """The address of a server that was started on the command line, on a port that was free."""
    odd = (BALLOON, ODD, "ner", "en", entities(("balloon", ODD.types[0])))
    folder = by_heart(rows_of(*LEARNT, odd))
    words = ["--model", str(folder), "--port", "0", "--max_new_tokens", "64", "--max-text-chars", "5000"]
    log = tmp_path_factory.mktemp("serve") / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "iepile.cli", "serve", *words, "--max_labels=20", "--max_waiting", "300"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    line = process.stdout.readline()
    found = re.match(r"(http://127\.0\.0\.1:\d+)/docs", line)
    assert found, log.read_text()
    yield found[1]
    process.terminate()
    assert process.wait(60) == 0
    assert "Traceback" not in log.read_text()


@pytest.fixture
def ask(server):
    return lambda **body: httpx.post(f"{server}/extract", json=body, timeout=60)


def brief(found):
    return [(each["label"], each["text"], each["start"], each["end"]) for each in found["extractions"]]


@pytest.mark.slow
def test_a_text_and_a_schema_give_results_with_their_places(ask):
    answer = ask(text=ADA, schema=LABELS)
    assert answer.status_code == 200
    found = answer.json()
    assert list(found) == ["text", "task", "language", "extractions", "raw", "error", "lost"]
    assert brief(found) == [("person", "Ada Bell", 0, 8), ("place", "Rome", 18, 22)]
    assert all(0.5 < each["confidence"] < 1 for each in found["extractions"])  # it was learnt, and nothing is certain
    assert (found["text"], found["task"], found["language"], found["error"]) == (ADA, "ner", "en", None)


def test_chinese_and_odd_labels_are_found_by_characters(ask):
    found = ask(text=ZH, schema=LABELS).json()
    assert found["language"] == "zh"
    person, place = [("person", "小明", at, at + 2) for at in (0, 7)], [("place", "北京", at, at + 2) for at in (4, 10)]
    assert brief(found) == sorted(person + place, key=lambda mention: mention[2])
    # Before it: two balloons, a space, an A, a space; in UTF-16 a balloon would count twice.
    assert brief(ask(text=BALLOON, schema=list(ODD.types)).json()) == [(ODD.types[0], "balloon", 5, 12)]


def test_relations_and_events_come_as_such(ask):
    (relation,) = ask(text=ADA, schema=["lives in"], task="RE").json()["extractions"]
    assert (relation["label"], relation["head"]["text"], relation["tail"]["start"]) == ("lives in", "Ada Bell", 18)
    (event,) = ask(text=SUED, schema={"lawsuit": ["plaintiff", "place"]}, task="ee").json()["extractions"]
    assert event["trigger"]["text"] == "sued"
    assert [(each["label"], each["start"]) for each in event["arguments"]] == [("plaintiff", 0), ("place", 17)]


def test_several_texts_give_a_list_and_what_is_wrong_with_one_stands_in_it(server):
    body = json.dumps({"texts": [ADA, "", 7, "half \ud83d", BO], "schema": LABELS})  # json escapes the half
    answer = httpx.post(f"{server}/extract", content=body, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.status_code == 200
    found = answer.json()
    assert [each["error"] for each in found] == [
        None,
        "the text is empty",
        "the text is int, no string",
        "the text holds half of a character (mend its \\u escapes)",
        None,
    ]
    assert [len(each["extractions"]) for each in found] == [2, 0, 0, 0, 2]
    each = [LABELS, {"types": LABELS}, "person,place"]
    assert [brief(found)[0][1] for found in httpx.post(
        f"{server}/extract", json={"texts": [ADA, BO, ZH], "schema": each}, timeout=60
    ).json()] == ["Ada Bell", "Bo Cane", "小明"]  # fmt: skip


def test_the_client_gives_what_an_extractor_would_and_says_what_is_refused(server, ask):
    client = Client(server)
    found = client(ADA, LABELS)
    assert found.as_dict() == ask(text=ADA, schema=LABELS).json()
    assert [(one.label, one.text, ADA[one.start : one.end]) for one in found] == [
        ("person", "Ada Bell", "Ada Bell"),
        ("place", "Rome", "Rome"),
    ]
    (relation,) = client(ADA, ["lives in"], "re")
    assert (relation.head.text, relation.tail.start) == ("Ada Bell", 18)
    first, second = client([SUED, ""], {"lawsuit": ["plaintiff", "place"]}, task="ee")
    assert [(event.trigger.text, event.arguments[0].label) for event in first] == [("sued", "plaintiff")]
    assert second.error == "the text is empty"
    assert client.health()["status"] == "ready"
    with pytest.raises(ServerError, match='unknown task "nre"') as refused:
        client(ADA, LABELS, task="nre")
    assert (refused.value.status, refused.value.field) == (422, "task")
    with pytest.raises(ServerError, match=r"http://127.0.0.1:9 does not answer: .*refused") as refused:
        Client("http://127.0.0.1:9/")(ADA, LABELS)
    assert refused.value.status is None


def test_what_is_less_sure_than_asked_is_left_out_and_said(ask):
    found = ask(text=ADA, schema=LABELS, min_confidence=1).json()
    assert found["extractions"] == []
    assert len(found["lost"]) == 2
    assert all("below 1" in line for line in found["lost"])


@pytest.mark.slow
def test_two_hundred_requests_at_once_are_answered_in_few_batches(server):
    async def all_at_once():
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=server, timeout=120, limits=limits) as client:
            before = (await client.get("/health")).json()
            texts = [(ADA, BO, ZH, "")[at % 4] for at in range(200)]
            answers = await asyncio.gather(
                *(client.post("/extract", json={"text": text, "schema": LABELS}) for text in texts)
            )
            return before, texts, answers, (await client.get("/health")).json()

    before, texts, answers, after = asyncio.run(all_at_once())
    assert {answer.status_code for answer in answers} == {200}
    first = {ADA: "Ada Bell", BO: "Bo Cane", ZH: "小明", "": None}
    for text, answer in zip(texts, answers):
        found = answer.json()
        assert found["text"] == text
        assert [each[1] for each in brief(found)][:1] == ([first[text]] if text else [])
    assert after["answered"] - before["answered"] == 200
    assert after["batches"] - before["batches"] < 100
    assert after["waiting"] == 0


@pytest.mark.parametrize(
    ("body", "status", "field", "reason"),
    [
        ({"text": ADA}, 422, "schema", "schema: missing"),
        ({"schema": LABELS}, 422, "text", "text: give text or texts, one of them"),
        ({"text": ADA, "texts": [ADA], "schema": LABELS}, 422, "text", "one of them"),
        ({"text": 5, "schema": LABELS}, 422, "text", "text: Input should be a valid string"),
        ({"text": ADA, "schema": LABELS, "tsk": "re"}, 422, "tsk", "unknown (did you mean task?)"),
        ({"text": ADA, "schema": LABELS, "task": "nre"}, 422, "task", 'unknown task "nre"'),
        ({"text": ADA, "schema": LABELS, "language": "fr"}, 422, "language", '"fr" is unknown (one of en, zh)'),
        ({"text": ADA, "schema": []}, 422, "schema", "no labels for NER"),
        ({"text": ADA, "schema": [""]}, 422, "schema", "is not a non-empty string"),
        ({"text": ADA, "schema": ["\ud83d"]}, 422, "schema", "is not Unicode text"),
        ({"text": ADA, "schema": "{a: &a [x], types: [*a]}"}, 422, "schema", "the schema is not JSON"),
        ({"text": ADA, "schema": "[" * 5000}, 422, "schema", "too many brackets inside each other"),
        ({"texts": [ADA, BO], "schema": [LABELS, ["x"], ["y"]]}, 422, "schema", "more schemas"),
        ({"text": ADA, "schema": ["x"] * 20 + list("abcdefghijklmnopqrstu")}, 413, "schema", "22 labels"),
        ({"text": ADA, "schema": {"a": list("bcdefghijklmnopqrstuv")}, "task": "ee"}, 413, "schema", "22 labels"),
        ({"text": "x" * 5001, "schema": LABELS}, 413, "text", "5,001 characters, more than the 5,000"),
        ({"texts": ["x"] * 257, "schema": LABELS}, 413, "texts", "257 texts, more than the 256"),
        ({"text": ADA, "schema": LABELS, "min_confidence": 2}, 422, "min_confidence", "less than or equal to 1"),
        ({"text": ADA, "schema": LABELS, "triggers": {"a": "b"}}, 422, "triggers", "triggers.a: "),
        ({"texts": [ADA, BO], "schema": LABELS, "triggers": [{}]}, 422, "triggers", "a list with one for each"),
        ([ADA], 422, None, "the body is no JSON object"),
        ("{", 400, None, "the body cannot be read as JSON"),
        ("[" * 100_000, 400, None, "the body cannot be read as JSON"),
        (b"\xff", 400, None, "the body cannot be read as JSON"),
        (" " * 2_000_000, 413, None, "the request is larger than 1,060,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_request_is_named(server, body, status, field, reason):
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    answer = httpx.post(f"{server}/extract", content=content, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.status_code == status
    assert answer.json()["field"] == field
    assert reason in answer.json()["error"]


def test_a_schema_from_a_stranger_is_never_a_file(ask, tmp_path):
    (tmp_path / "schema.json").write_text('{"types": ["secret"]}')
    found = ask(text="It rains.", schema=f"{tmp_path}/schema.json").json()
    assert "secret" not in str(found)
    assert found["text"] == "It rains."


def test_the_page_needs_no_network_and_the_description_fits_the_answers(server, ask):
    page = httpx.get(server, follow_redirects=True)
    assert page.status_code == 200
    assert "POST /extract" in page.text
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page.text)
    told = httpx.get(f"{server}/openapi.json").json()
    assert {path: list(of) for path, of in told["paths"].items()} == {
        "/extract": ["post"],
        "/health": ["get"],
        "/metrics": ["get"],
    }
    schema = told["paths"]["/extract"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    events = {"text": SUED, "schema": {"lawsuit": ["plaintiff", "place"]}, "task": "ee"}
    for body in ({"text": ADA, "schema": LABELS}, {"texts": [ADA, ""], "schema": LABELS}, events):
        jsonschema.validate(ask(**body).json(), {**schema, "components": told["components"]})
    health = httpx.get(f"{server}/health").json()
    assert (health["status"], health["backend"], health["constrain"]) == ("ready", "transformers", "none")
    assert "/" not in health["model"]  # of a folder its name, not where it lies


@pytest.mark.parametrize(
    "body",
    [
        {"text": ADA, "schema": LABELS},
        {"text": ADA, "schema": "person, city", "language": None},
        {"text": ADA, "schema": {"city": {"examples": None, "aliases": "town"}}},
        {"text": ADA, "schema": {"in": [["city", "country"]]}, "task": "spo"},
        {"texts": [ADA, 5], "schema": {"sue": ["plaintiff"]}, "task": "ee"},
        {"texts": [ADA, BO], "schema": [["person"], {"city": "a town"}], "triggers": [None, {"city": ["x"]}]},
        {"text": ADA, "texts": [ADA], "schema": LABELS},
        {"text": ADA, "schema": []},
        {"text": ADA, "schema": [""]},
        {"text": ADA, "schema": "[a"},
        {"text": ADA, "schema": {"city": {"description": False}}},
        {"text": ADA, "schema": ["in"], "task": "spo"},
        {"text": ADA, "schema": {"a": "b"}, "task": "kg"},
        {"text": ADA, "schema": LABELS, "triggers": [{}]},
        {"text": ADA, "schema": LABELS, "language": "fr"},
        {"text": ADA, "schema": LABELS, "task": "nre"},
        {"text": ADA, "schema": LABELS, "min_confidence": "0.5"},
        {"text": ADA, "schema": LABELS, "min_confidence": True},
    ],
)
def test_the_description_allows_what_is_accepted_and_no_more(body):
    try:
        is_accepted = bool(documents_in(ExtractRequest(**body), ServeArguments()))
    except (Refused, ValidationError):
        is_accepted = False
    assert jsonschema.Draft202012Validator(ExtractRequest.model_json_schema()).is_valid(body) == is_accepted
