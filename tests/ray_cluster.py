"""A local Ray cluster, a local S3 server, and a hand that kills a worker at work; for the tests that need them."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

# One for all clusters of this process, which keeps what it finds when Ray is imported; else it is the user's own.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@pytest.fixture(scope="module")
def s3():
    """A bucket of a real S3 server on loopback, as fsspec addresses it."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "testing")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import fsspec

    fsspec.filesystem("s3", skip_instance_cache=True).makedirs("bucket", exist_ok=True)
    yield "s3://bucket"
    fsspec.filesystem("s3").clear_instance_cache()
    server.stop()
    patch.undo()


@pytest.fixture(scope="module")
def cluster():
    """Two CPUs of this machine, as a cluster that ends with the module."""
    ray = pytest.importorskip("ray")
    patch = pytest.MonkeyPatch()
    patch.delenv("RAY_ADDRESS", raising=False)
    from iepile_dataset.cluster import ray_data

    yield ray_data(2)
    ray.shutdown()
    patch.undo()


class Killer(threading.Thread):
    """Kills the first worker of this process's cluster that is at work under a name, once."""

    def __init__(self, name, after=0.3):
        super().__init__(daemon=True)
        self.name_of_work, self.after, self.killed = name, after, None

    def run(self):
        import psutil

        deadline = time.monotonic() + 120
        while self.killed is None and time.monotonic() < deadline:
            for process in psutil.Process().children(recursive=True):
                try:
                    title = process.cmdline()[:1]
                    if title and title[0].startswith("ray::") and self.name_of_work in title[0]:
                        time.sleep(self.after)
                        os.kill(process.pid, signal.SIGKILL)
                        self.killed = title[0]
                        return
                except (psutil.NoSuchProcess, ProcessLookupError):
                    pass
            time.sleep(0.02)


@pytest.fixture
def two_nodes(tmp_path):
    """The address of a cluster of two nodes with a CPU each, started as on two machines, and ended by their groups."""
    ray = shutil.which("ray", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if ray is None:
        pytest.skip("no ray command")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    head = ["--head", "--port", address.partition(":")[2], "--include-dashboard=false"]
    # Its sockets lie there, and their paths must be short.
    nodes, folder = [], tempfile.mkdtemp(prefix="ray")
    try:
        for place in ([*head, "--temp-dir", folder], ["--address", address]):
            command = [ray, "start", *place, "--num-cpus", "1", "--node-ip-address", "127.0.0.1", "--block"]
            log = open(tmp_path / f"node{len(nodes)}.log", "w")  # noqa: SIM115 - as long as the node
            started = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
            nodes.append(started)
            deadline = time.monotonic() + 90
            while "--block" not in Path(log.name).read_text() and started.poll() is None:
                assert time.monotonic() < deadline, Path(log.name).read_text()
                time.sleep(0.2)
        yield {**environment, "RAY_ADDRESS": address}
    finally:
        for node in reversed(nodes):
            os.killpg(node.pid, signal.SIGTERM)
            try:
                node.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(node.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
