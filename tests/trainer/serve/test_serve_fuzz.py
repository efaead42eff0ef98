"""Whatever is sent to the server, it answers with JSON and a status that its description names, and goes on."""

import asyncio
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile_trainer import Extractor
from iepile_trainer.engines import Answer
from iepile_trainer.serve.application import application
from iepile_trainer.serve.arguments import ServeArguments
from iepile_trainer.serve.batcher import Batcher

from ...fuzzing import FUZZ, JSON

TASKS = st.sampled_from(["ner", "re", "ee", "eet", "eea", "spo", "kg", "NER", "x"])
FORMS = st.lists(st.text()) | st.dictionaries(st.text(), st.lists(st.text()) | st.text() | JSON) | JSON
FIELDS = {
    "text": st.text() | JSON, "texts": st.lists(st.text() | JSON), "schema": FORMS, "task": TASKS, "language": JSON,
    "min_confidence": JSON, "triggers": JSON, "more": JSON,
}  # fmt: skip
BODIES = st.fixed_dictionaries({}, optional=FIELDS).map(json.dumps).map(str.encode)
METHODS = st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "DELETE"])
HEADERS = st.dictionaries(
    st.sampled_from(["Host", "Content-Type", "Authorization", "X-API-Key", "Accept", "Transfer-Encoding", "Range"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
)
PATHS = st.sampled_from(["/extract", "/extract", "/extract", "/health", "/metrics", "/docs", "/openapi.json", "/a%00b"])


class Noisy:
    """An engine whose answers are what it was asked, turned round."""

    room, count, batch_size = None, len, 8

    def answer(self, rows):
        return (Answer(row["instruction"][::-1]) for row in rows)


@pytest.fixture(scope="module")
def app():
    batcher = Batcher(Extractor(Noisy()))
    yield application(batcher, ServeArguments("noisy", max_text_chars=500, max_labels=20))
    assert batcher.close(60)


@FUZZ
@given(METHODS, PATHS, HEADERS, BODIES | st.binary())
def test_any_request_is_answered_as_the_description_says(app, method, path, headers, body):
    async def ask():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            return await http.request(method, path, headers=headers, content=body)

    answer = asyncio.run(ask())
    assert answer.status_code in {200, 400, 401, 404, 405, 413, 415, 422}, answer.text
    if path == "/extract" and answer.status_code != 200:
        assert isinstance(answer.json()["error"], str)
    assert "Traceback" not in answer.text
