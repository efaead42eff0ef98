"""The server's process: before another server, at its end, and where it cannot start."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from iepile_trainer.formats import use_format

KEY = "sk-very-secret-0123456789"
ASKED = {"text": "It rains in Ulm.", "schema": ["city"]}


@pytest.fixture
def before(completion_server, small_model, tokenizer, tmp_path):
    """A function that starts a server before another one, which can be held up: (process, its address, the other)."""
    use_format(tokenizer)
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    started = []

    def start(trouble, *words):
        behind = completion_server(small_model(tokenizer).eval(), tokenizer, trouble)
        words = ["--backend", "openai", "--base_url", behind.url, "--model", "tiny", "--port", "0", *words]
        process = subprocess.Popen(
            [sys.executable, "-m", "iepile.cli", "serve", *words, "--max_new_tokens", "6"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENAI_API_KEY": KEY},
        )
        started.append((process, behind))
        return process, re.match(r"(http://127\.0\.0\.1:\d+)/docs", process.stdout.readline())[1], behind

    yield start
    for process, behind in started:
        process.kill()
        process.communicate()
        behind.shutdown()
        behind.server_close()


class Hold:
    """Holds up the requests that come after it was set up."""

    def __init__(self):
        self.is_on, self.began, self.over = False, threading.Event(), threading.Event()

    def __call__(self, number, body):
        if self.is_on:
            self.began.set()
            assert self.over.wait(60)


@pytest.mark.slow
@pytest.mark.parametrize("chat", [pytest.param(False, marks=pytest.mark.slow), True])
def test_before_another_server_it_answers_alike_and_at_the_end_what_it_accepted(before, chat, tmp_path):
    hold = Hold()
    words = [] if chat else ["--tokenizer", str(tmp_path / "tokenizer")]
    process, address, behind = before(hold, *words)
    found = httpx.post(f"{address}/extract", json=ASKED, timeout=60).json()
    assert len(found["raw"]) == 1
    assert behind.keys == {f"Bearer {KEY}"}
    assert all(("messages" in body) == chat for body in behind.bodies)
    hold.is_on, answers = True, []
    asking = threading.Thread(target=lambda: answers.append(httpx.post(f"{address}/extract", json=ASKED, timeout=60)))
    asking.start()
    assert hold.began.wait(60)
    process.send_signal(signal.SIGINT if chat else signal.SIGTERM)
    while is_there(address):
        pass
    hold.over.set()
    asking.join(60)
    assert answers[0].json() == found
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert KEY not in output + errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_a_slow_answer_holds_up_no_other_and_a_second_ctrl_c_gives_it_up(before):
    hold = Hold()
    process, address, _ = before(hold)
    hold.is_on, lost = True, []

    def ask():
        try:
            lost.append(httpx.post(f"{address}/extract", json=ASKED, timeout=60).status_code)
        except httpx.TransportError as problem:
            lost.append(problem)

    asking = threading.Thread(target=ask)
    asking.start()
    assert hold.began.wait(60)
    hold.is_on = False
    assert httpx.post(f"{address}/extract", json=ASKED, timeout=60).status_code == 200
    assert not lost
    process.send_signal(signal.SIGINT)
    while is_there(address):
        pass
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 1
    asking.join(60)
    assert lost[0] != 200
    hold.over.set()


def is_there(address):
    try:
        return httpx.get(f"{address}/health", timeout=60).status_code in (200, 503)
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "no model: give --model"),
        (["--model", "x", "--host", "192.0.2.1"], "cannot listen on 192.0.2.1:8000"),
        (["--model", "./nowhere", "--port", "0"], "nowhere"),
        (["--model", "x", "--port", "0", "--tls_key", "a.pem"], "--tls_key needs --tls_cert"),
        (
            ["--model", "x", "--port", "0", "--tls_cert", "/nowhere/a.pem"],
            "/nowhere/a.pem: no certificate with its key",
        ),
        (["--model", "x", "--port", "0", "--backend", "openai", "--base_url", "localhost"], "is no address"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(words, reason):
    from iepile_trainer.serve import main

    with pytest.raises(SystemExit) as told:
        main(words)
    assert str(told.value).startswith("error: ")
    assert reason in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("words", "code", "reasons"),
    [
        (["--max_waiting", "0"], 1, ["error: --max_waiting 0 is out of range (1 or more)\n"]),
        (["--timeout", "0"], 1, ["error: --timeout 0 is out of range (0.001 to 1e+06)\n"]),
        (["--port", "70000"], 1, ["error: --port 70000 is out of range (0 to 65535)\n"]),
        (["--prot", "1"], 2, ["No such option", "--prot", "--port"]),
    ],
)
def test_a_wrong_value_or_option_is_named_with_what_is_right(words, code, reasons, capsys):
    from iepile_trainer.serve import main

    with pytest.raises(SystemExit) as stop:
        main(["--model", "no/such/folder", *words])
    assert stop.value.code == code
    said = capsys.readouterr().err
    assert all(reason in said for reason in reasons)


def test_a_taken_port_is_found_out_before_any_model_is_loaded():
    from iepile_trainer.serve import main

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit, match="Address already in use"):
        main(["--model", "no/such/folder", "--port", str(taken.getsockname()[1])])


def test_without_fastapi_it_says_what_to_install():
    code = "import sys; sys.modules['fastapi'] = None; from iepile.cli import main; main()"
    words = [sys.executable, "-c", code, "serve", "--model", "x"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: no module 'fastapi' (pip install 'iepile[serve]')\n"


def test_importing_the_server_loads_no_heavy_package():
    code = "import sys, iepile_trainer.serve; print(sorted({'torch', 'fastapi', 'uvicorn', 'transformers', 'datasets'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
