"""Requests that wait, are too many, take too long or go away."""

import asyncio
import gc
import json
import socket
import threading

import httpx
import pytest

from iepile_trainer import Extractor, TrainerError
from iepile_trainer.engines import Answer
from iepile_trainer.extraction.arguments import ExtractionOptions
from iepile_trainer.extraction.documents import Document, documents_of
from iepile_trainer.serve.application import application
from iepile_trainer.serve.arguments import ServeArguments
from iepile_trainer.serve.batcher import Batcher, Closed, Full

ASKED = {"text": "It rains in Ulm.", "schema": ["city"]}


class Held:
    """A engine that answers when it is let, and keeps what it was asked."""

    room, count, batch_size = None, len, 4

    def __init__(self):
        self.let, self.began, self.asked = threading.Event(), threading.Event(), []

    def answer(self, rows):
        for row in rows:
            self.asked.append(json.loads(row["instruction"])["input"])
            self.began.set()
            assert self.let.wait(60)
            if "nobody" in row["instruction"]:
                raise TrainerError("the server http://10.0.0.7 refuses")
            if "fault" in row["instruction"]:
                raise RuntimeError("no")
            yield Answer(json.dumps({"city": [self.asked[-1].rstrip(".").split()[-1]]}))  # the last word


@pytest.fixture
def held():
    engine = Held()
    yield engine
    engine.let.set()


def documents(*texts):
    return list(documents_of(texts, ["city"]))


@pytest.fixture
def client(held):
    """A function that opens a server on a free port and gives a client and the batcher."""
    import uvicorn

    running = []

    def start(most=1024, timeout=60.0):
        batcher = Batcher(Extractor(held), most)
        app = application(batcher, ServeArguments("held", timeout=timeout))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        listening = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        running.append((server, thread, batcher))
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60), batcher

    yield start
    held.let.set()
    for server, thread, batcher in running:
        server.should_exit = True
        thread.join(60)
        assert batcher.close(60)


async def until(holds):
    while not holds():
        await asyncio.sleep(0.01)


def test_a_full_queue_refuses_with_503_and_when_to_come_again(held, client):
    connection, batcher = client(most=2)

    async def run():
        async with connection as http:
            first = asyncio.ensure_future(http.post("/extract", json=ASKED))
            await until(held.began.is_set)  # it is at work, and waits no longer
            two = asyncio.ensure_future(http.post("/extract", json={"texts": ["a", "b"], "schema": ["city"]}))
            await until(lambda: batcher.waiting == 2)
            third = await http.post("/extract", json=ASKED)
            assert (third.status_code, third.headers["Retry-After"]) == (503, "1")
            assert "too many texts wait" in third.json()["error"]
            assert (await http.get("/health")).json()["waiting"] == 2
            held.let.set()
            assert [each.status_code for each in await asyncio.gather(first, two)] == [200, 200]

    asyncio.run(run())


def test_what_takes_too_long_is_given_up_and_its_further_texts_are_not_asked(held, client, caplog):
    connection, batcher = client(timeout=0.3)

    async def run():
        async with connection as http:
            late = await http.post("/extract", json={"texts": ["one", "two", "three"], "schema": ["city"]})
            assert late.status_code == 504
            assert "not answered within 0.3 s" in late.json()["error"]
            held.let.set()
            await until(lambda: batcher.batches == 1)
            assert held.asked == ["one"]
            assert (await http.post("/extract", json=ASKED)).json()["extractions"][0]["start"] == 12

    asyncio.run(run())
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_a_client_that_goes_away_is_forgotten(held, client):
    connection, batcher = client()

    async def run():
        async with connection as http:
            first = asyncio.ensure_future(http.post("/extract", json=ASKED))
            await until(held.began.is_set)
            gone = asyncio.ensure_future(http.post("/extract", json={"text": "gone", "schema": ["city"]}))
            await until(lambda: batcher.waiting == 1)
            future = batcher._short[0][1]
            gone.cancel()
            await until(future.cancelled)
            held.let.set()
            assert (await first).status_code == 200
            assert (await http.post("/extract", json=ASKED)).status_code == 200
            assert "gone" not in held.asked

    asyncio.run(run())


def test_a_body_that_is_never_sent_whole_ends_with_408(client):
    connection, _ = client(timeout=0.3)

    async def slowly():
        yield b'{"text": '
        await asyncio.sleep(1)
        yield b'"a"}'

    async def run():
        async with connection as http:
            headers = {"Content-Type": "application/json"}
            answer = await http.post("/extract", content=slowly(), headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (408, "the request was not sent within 0.3 s")

    asyncio.run(run())


def test_a_text_at_fault_harms_no_other_in_its_batch(held):
    batcher = Batcher(Extractor(held), pause=0.2)
    futures = batcher.submit(documents("a", "fault", "b", ""))
    held.let.set()
    found = [future.result(60) for future in futures]
    assert [each.error for each in found] == [None, "RuntimeError (see the server's log)", None, "the text is empty"]
    assert [len(each) for each in found] == [1, 0, 1, 0]
    assert batcher.close(60)


def test_a_model_that_answers_nothing_is_503_without_its_address(held, client):
    connection, _ = client()
    held.let.set()

    async def run():
        async with connection as http:
            answer = await http.post("/extract", json={"text": "nobody", "schema": ["city"]})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert answer.json()["error"] == "the model answers nothing at the moment"
            assert (await http.post("/extract", json=ASKED)).status_code == 200

    asyncio.run(run())


def test_a_batcher_that_closes_answers_what_waits_and_takes_no_more(held):
    batcher = Batcher(Extractor(held))
    futures = batcher.submit(documents(*"abcdefgh"))
    assert not batcher.close(0.05)
    with pytest.raises(Closed):
        batcher.submit(documents("late"))
    held.let.set()
    assert batcher.close(60)
    assert [len(future.result()) for future in futures] == [1] * 8
    assert not batcher.is_ready


def test_questions_of_a_text_that_nobody_waits_for_are_not_sent(held):
    """Three questions about one text: the first is at work when its asker goes."""
    batcher = Batcher(Extractor(held, ExtractionOptions(split_num=1)))
    (long,) = batcher.submit([Document("long", next(documents_of(["x"], ["a", "b", "c"])).schema)])
    assert held.began.wait(60)
    (other,) = batcher.submit(documents("other"))
    assert long.cancel()
    held.let.set()
    assert other.result(60)[0].text == "other"
    assert held.asked == ["long", "other"]
    assert batcher.close(60)


def test_no_more_wait_than_are_allowed_and_those_that_went_do_not_count(held):
    batcher = Batcher(Extractor(held), most=3)
    batcher.submit(documents("at work"))
    assert held.began.wait(60)
    futures = batcher.submit(documents("a", "b", "c"))
    with pytest.raises(Full):
        batcher.submit(documents("d"))
    futures[1].cancel()
    assert len(batcher.submit(documents("d"))) == 1
    held.let.set()
    assert batcher.close(60)
    assert held.asked == ["at work", "a", "c", "d"]
