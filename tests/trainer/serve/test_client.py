"""What the client says where no server of ours answers, or none at all."""

import socket
import threading

import pytest

from iepile_trainer import Client
from iepile_trainer.serve.client import ServerError


@pytest.fixture
def stranger():
    """Starts a server that sends the same bytes to everybody; gives its address."""
    sockets = []

    def start(sent):
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def answer():
            asked, _ = listening.accept()
            with asked:
                head, body = b"", b""
                while b"\r\n\r\n" not in head:
                    head += asked.recv(4096)
                head, _, body = head.partition(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                while len(body) < size:
                    body += asked.recv(4096)
                asked.sendall(sent)

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield start
    for each in sockets:
        each.close()


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"SSH-2.0\r\n", "does not answer: SSH-2.0"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "does not answer: IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "does not answer: Expecting"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "gives no extractions"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "gives no extractions"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\n<", r"Bad Gateway \(502\)"),
    ],
)
def test_what_is_no_server_of_ours_is_said_in_one_line(stranger, sent, reason):
    with pytest.raises(ServerError, match=reason):
        Client(stranger(sent))("Ada", ["person"])


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "http://", "http://a b", "http://[::1", "http://a\n"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ServerError, match="is no address"):
        Client(url)


@pytest.mark.parametrize("key", ["opensesame\n", "open\rsesame", "opensesame\ud800"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key):
    with pytest.raises(ServerError, match="IEPILE_API_KEY") as refused:
        Client(key=key)
    assert "sesame" not in str(refused.value)
