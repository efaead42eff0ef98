"""`iepile push` killed on the way: the Hub has the old state or the new one, and the same command ends the work."""

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from loopback import Hub

pytestmark = pytest.mark.slow


class Wire:
    """Passes connections on to a Hub, and says how far the request that is waited for has come."""

    def __init__(self, hub, wanted, share, then):
        self._port, self._wanted, self._share, self._then = hub.server.server_address[1], wanted, share, then
        self.reached = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        hub.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listening.close()

    def _accept(self):
        while True:
            try:
                client = self._listening.accept()[0]
            except OSError:
                return
            hub = socket.create_connection(("127.0.0.1", self._port))
            asked = threading.Event()
            threading.Thread(target=self._to_hub, args=(client, hub, asked), daemon=True).start()
            threading.Thread(target=self._to_client, args=(hub, client, asked), daemon=True).start()

    def _to_hub(self, client, hub, asked):
        """A request at a time, its body in small pieces; the one that is waited for up to its share."""
        reader = client.makefile("rb")
        try:
            while line := reader.readline():
                head = [line]
                while head[-1] not in (b"\r\n", b""):
                    head.append(reader.readline())
                size = next(
                    (int(part.split(b":")[1]) for part in head if part.lower().startswith(b"content-length")), 0
                )
                body = reader.read(size)
                is_wanted = self._wanted in line
                if is_wanted and self._share < 1:
                    hub.sendall(b"".join(head) + body[: int(size * self._share)])
                    self._then()
                    self.reached = True
                    break
                if is_wanted:
                    asked.set()
                hub.sendall(b"".join(head) + body)
            hub.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _to_client(self, hub, client, asked):
        try:
            while piece := hub.recv(1 << 16):
                if asked.is_set():  # the Hub has done it, and nobody hears so
                    self._then()
                    self.reached = True
                    break
                client.sendall(piece)
            client.close()
        except OSError:
            pass


def push(hub, folder, home):
    command = [sys.executable, "-m", "iepile.cli", "push", "dataset", str(folder), "user/x"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.Popen(
        command, env={**kept, **hub.env(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def undisturbed(prepared, tmp_path_factory):
    with Hub() as hub:
        process = push(hub, prepared, tmp_path_factory.mktemp("home"))
        said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        return hub.repos["dataset", "user/x"].files()


OLD = {
    "README.md": b"---\nlicense: mit\n---\n",
    "ner/train-00000-of-00001.parquet": b"old rows",
    "theirs.txt": b"hello",
}


@pytest.mark.parametrize(
    ("call", "share"), [("/upload/", 0.5), *(("/commit/", share) for share in (0.0, 0.5, 0.99, 1.0))]
)
def test_a_push_that_is_killed_leaves_the_old_state_or_the_new_and_the_next_ends_it(
    hub, prepared, undisturbed, tmp_path, call, share, record_property
):
    hub.put("dataset", "user/x", OLD)
    direct = hub.url
    running = []
    with Wire(hub, call.encode(), share, lambda: running[0].send_signal(signal.SIGKILL)) as wire:
        running.append(push(hub, prepared, tmp_path))
        running[0].communicate(timeout=300)
    hub.url = direct
    assert wire.reached
    assert running[0].returncode == -signal.SIGKILL
    repo = hub.repos["dataset", "user/x"]
    is_done = call == "/commit/" and share == 1
    wanted = {**undisturbed, "theirs.txt": b"hello"}
    assert repo.files() == (wanted if is_done else OLD)
    again = push(hub, prepared, tmp_path)
    said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert "Traceback" not in "".join(said)
    assert repo.files() == wanted
    assert len(repo.branches["main"]) == 2
    where = "while a file is sent" if call == "/upload/" else "while the commit is sent"
    left = "the old state, or all of the push; the same command ends as an undisturbed one, with one commit"
    record_property("fault", (f"kill -9 {where}", "push", left))
