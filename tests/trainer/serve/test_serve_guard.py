"""Who may ask, who is let go, and what is written down; over real sockets."""

import json
import logging
import socket
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack, suppress

import httpx
import pytest
import uvicorn

from iepile_trainer import Client, Extractor
from iepile_trainer.engines import Answer, EngineOptions
from iepile_trainer.engines.prompts import ChunkEngine
from iepile_trainer.serve.arguments import ServeArguments
from iepile_trainer.serve.batcher import Batcher
from iepile_trainer.serve.client import ServerError
from iepile_trainer.serve.connections import Sparing
from iepile_trainer.serve.run import _log, configured

ASKED = {"text": "It rains in Ulm.", "schema": ["city"]}
SECRET = "Agathe Bauer"


class Echo(ChunkEngine):
    """Answers a chunk of four at a time with the last word of each text."""

    chunk = batch_size = 4

    def __init__(self):
        super().__init__(EngineOptions("echo"))
        self.chunks, self.let = [], threading.Event()
        self.let.set()

    def count(self, instruction):
        return len(instruction)

    def answer_prompts(self, prompts):
        assert self.let.wait(60)
        texts = [json.loads(prompt.instruction)["input"] for prompt in prompts]
        self.chunks.append(texts)
        return [Answer(json.dumps({"city": [text.rstrip(".").split()[-1]]})) for text in texts]


@pytest.fixture
def serve():
    """A function that starts a server with options; gives its port and the engine."""
    with ExitStack() as running:

        def start(engine=None, **options):
            engine = engine or Echo()
            batcher = Batcher(Extractor(engine))
            server = uvicorn.Server(configured(batcher, ServeArguments("echo", **options)))
            listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()

            def stop():
                engine.let.set()
                server.should_exit = True
                thread.join(60)
                assert batcher.close(60)

            running.callback(stop)
            return listening.getsockname()[1], engine

        yield start


def silent(port, said=b""):
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(said)
    return client


def ask(port, **more):
    return httpx.post(f"http://127.0.0.1:{port}/extract", json=ASKED, timeout=30, **more)


def test_four_hundred_half_requests_stop_nobody(serve):
    port, _ = serve(max_connections=100)
    with ExitStack() as clients:
        for number in range(400):
            said = [b"", b"POST /extract HTTP/1.1\r\n", b"POST /extract HTTP/1.1\r\nHost: a\r\nX-Long: "][number % 3]
            clients.enter_context(silent(port, said))
        assert ask(port).status_code == 200


@pytest.mark.parametrize("said", [b"", b"GET /health HTT"])
@pytest.mark.parametrize("first", [b"", b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_who_does_not_end_the_head_of_a_request_is_let_go(serve, first, said):
    if first and not said:
        pytest.skip("who has asked may stay silent for a while")
    port, _ = serve(header_timeout=0.3)
    with silent(port, first) as client:
        heard = b""
        while first and b"uptime" not in heard:
            heard += client.recv(1 << 16)
        client.sendall(said)
        with suppress(ConnectionResetError):
            assert client.recv(1 << 16) == b""
    assert ask(port).status_code == 200


def test_a_head_without_an_end_is_refused(serve):
    port, _ = serve()
    with silent(port, b"GET /health HTTP/1.1\r\nX-Long: " + b"x" * (1 << 16)) as client:
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 400")


def test_with_a_key_only_who_knows_it_may_ask(serve, monkeypatch):
    monkeypatch.setenv("IEPILE_API_KEY", "key-张")
    port, engine = serve()
    key = "key-张".encode()
    for headers, status in (
        ({}, 401),
        ({"Authorization": b"Bearer " + key[:-1]}, 401),
        ({"Authorization": b"Basic " + key}, 401),
        ({"X-API-Key": b""}, 401),
        ({"Authorization": b"bearer " + key}, 200),
        ({"X-API-Key": key}, 200),
    ):
        answer = ask(port, headers=headers)
        assert answer.status_code == status
        assert status == 200 or answer.json() == {
            "error": "a key is needed (Authorization: Bearer KEY)",
            "field": None,
        }
    assert len(engine.chunks) == 2
    client = Client(f"http://127.0.0.1:{port}")  # which knows the variable, too
    assert client("It rains in Ulm.", ["city"]).text == "It rains in Ulm."
    with pytest.raises(ServerError, match="a key is needed") as refused:
        Client(client.url, key="another")("In Ulm", ["city"])
    assert refused.value.status == 401
    for path, status in (("health", 200), ("docs", 200), ("openapi.json", 200), ("metrics", 401), ("nowhere", 401)):
        assert httpx.get(f"http://127.0.0.1:{port}/{path}").status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [("extract.example", 200), ("EXTRACT.example:8000", 200), ("[::1]:80", 200), ("evil", 400), ("", 400)],
)
def test_under_other_names_it_does_not_answer(serve, host, status):
    port, _ = serve(allowed_hosts="extract.example, ::1")
    assert ask(port, headers={"Host": host}).status_code == status


def test_metrics_count_requests_and_name_no_path_of_a_stranger(serve):
    port, _ = serve()
    ask(port)
    httpx.get(f"http://127.0.0.1:{port}/{SECRET}")
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'iepile_requests_total{path="/extract",status="200"} 1' in lines
    assert 'iepile_requests_total{path="other",status="404"} 1' in lines
    assert {"iepile_extract_seconds_count 1", "iepile_answered_total 1", "iepile_waiting 0"} <= set(lines)
    assert SECRET not in answer.text


def test_the_access_log_holds_no_text_and_what_goes_wrong_is_bounded(serve, capfd):
    class Broken(Echo):
        def answer_prompts(self, prompts):
            raise RuntimeError("broken")

    sparing = Sparing(3)
    access = logging.getLogger("iepile.access")
    before = access.handlers[:]
    try:
        _log(sparing, access=True)
        port, _ = serve(Broken())
        for _ in range(6):
            httpx.post(f"http://127.0.0.1:{port}/extract?{SECRET}", json={**ASKED, "text": SECRET}, timeout=30)
        httpx.get(f"http://127.0.0.1:{port}/a%1b[31m")
        said = capfd.readouterr().err
        while " 404 " not in said:  # a line is written once its answer is sent
            time.sleep(0.05)
            said += capfd.readouterr().err
    finally:
        access.handlers[:] = before
        access.setLevel(logging.NOTSET)
        access.propagate = True
        for name in ("uvicorn.error", "asyncio", "iepile.serve"):
            logging.getLogger(name).removeFilter(sparing)
    said += capfd.readouterr().err
    assert said.count("127.0.0.1 POST /extract 200 ") == 6
    assert "127.0.0.1 GET /a\\x1b[31m 404 " in said
    assert "\x1b" not in said
    assert SECRET not in said.replace(f"{SECRET!r}", "")
    assert said.count("a text cannot be answered") <= 3


def test_over_tls_it_answers_whoever_knows_the_certificate(serve, tmp_path):
    pem, key = tmp_path / "a.pem", tmp_path / "a.key"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    words += [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(key),
        "-out",
        str(pem),
    ]
    try:
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    except OSError:
        pytest.skip("no openssl")
    port, _ = serve(tls_cert=str(pem), tls_key=str(key))
    context = ssl.create_default_context(cafile=str(pem))
    assert httpx.post(f"https://localhost:{port}/extract", json=ASKED, verify=context).status_code == 200
    with pytest.raises(httpx.TransportError):
        ask(port)


def test_a_long_text_does_not_hold_up_the_others(serve):
    engine = Echo()
    port, _ = serve(engine)
    engine.let.clear()
    long = {"text": "Es regnet. " * 500, "schema": [f"label{number}" for number in range(400)]}
    answers = []

    def post(body):
        answers.append(httpx.post(f"http://127.0.0.1:{port}/extract", json=body, timeout=60).json()["text"])

    asking = [threading.Thread(target=post, args=(body,)) for body in (long, ASKED)]
    for number, thread in enumerate(asking, 1):
        thread.start()
        while len(engine._turn._queue) < number:  # the first is at work, the second waits for its turn
            time.sleep(0.01)
    engine.let.set()
    for thread in asking:
        thread.join(60)
    assert sorted(answers) == sorted([ASKED["text"], long["text"]])
    assert engine.chunks.index([ASKED["text"]]) == 1  # right after the part that was at work
    assert len(engine.chunks) > 10
