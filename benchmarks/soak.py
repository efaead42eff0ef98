"""`iepile serve` at full load for minutes: many connections, clients that vanish, and what may come of it.

    python benchmarks/soak.py [--model runs/quickstart] [--minutes 10] [--connections 300]

Each connection does one thing after another, drawn by a seed: a short text, several texts, a long one, a body that is
wrong or too large, a request that is given up before its answer, a head that is cut off, a silence. What is wrong is
printed, with exit code 1: a status that the server's description does not name, one to a well-formed request that is
neither 200 nor 503 or 504, /health later than ten seconds, memory that grows, files left open, a server that goes on.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from statistics import median

from serve import LABELS, TEXTS, cpu_seconds, random_model

KINDS = {"short": 50, "several": 15, "long": 3, "wrong": 8, "too large": 1, "given up": 12, "cut off": 8, "silent": 3}
WELL_FORMED = ("short", "several", "long")
LATE = 10.0  # seconds that /health may take
GROWTH = 0.15  # of the memory that is held between batches, from the second tenth of the time to the last


def request_of(kind: str, draw: random.Random) -> bytes:
    texts = draw.choices(TEXTS, k=8)
    body = {
        "several": {"texts": texts, "schema": LABELS},
        "long": {"text": " ".join(texts * 40), "schema": LABELS},
        "wrong": {"text": texts[0], "schema": draw.choice([[], 5, [""], None])},
        "too large": {"text": "x" * 200_000, "schema": LABELS},
    }.get(kind, {"text": texts[0], "schema": LABELS})
    content = json.dumps(body).encode()
    head = "POST /extract HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def one(port: int, kind: str, draw: random.Random) -> str:
    """What came of one thing: a status, or that the client went, or that the server ended the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        sent = request_of(kind, draw)
        writer.write(sent[: draw.randrange(len(sent))] if kind == "cut off" else b"" if kind == "silent" else sent)
        await writer.drain()
        if kind in ("given up", "cut off", "silent"):
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), draw.random() * (0.2 if kind != "silent" else 15))
            return "gone"
        answer = await reader.read()
        return answer[9:12].decode() or "ended"
    except ConnectionError:
        return "ended"
    finally:
        writer.close()


async def client(port: int, number: int, until: float, seen: Counter[tuple[str, str]]) -> None:
    draw = random.Random(number)
    while time.monotonic() < until:
        kind = draw.choices(list(KINDS), list(KINDS.values()))[0]
        seen[kind, await one(port, kind, draw)] += 1


async def watch(process: int, port: int, until: float) -> tuple[list[int], list[float]]:
    """Memory in bytes and seconds until /health answers, every other second."""
    memory, waits = [], []
    while time.monotonic() < until:
        started = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        assert b" 200 OK" in (await reader.read())[:20]
        writer.close()
        waits.append(time.monotonic() - started)
        memory.append(int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096)
        await asyncio.sleep(2)
    return memory, waits


def lowest(memory: list[int]) -> list[int]:
    """The least memory of each tenth of the time, in MB: what is held between batches, not what one of them needs."""
    tenth = max(len(memory) // 10, 1)
    return [min(memory[at : at + tenth]) // 10**6 for at in range(0, tenth * 10, tenth) if memory[at:]]


def wrong_in(seen: Counter[tuple[str, str]], memory: list[int], waits: list[float]) -> list[str]:
    wrong = []
    for (kind, status), count in seen.items():
        allowed = {"200", "503", "504"} if kind in WELL_FORMED else {"422", "413", "503", "504", "gone"}
        if status not in allowed and not (status == "ended" and kind == "too large"):
            wrong.append(f"{kind}: {status}, {count} times")
    if max(waits) > LATE:
        wrong.append(f"/health took {max(waits):.1f} s")
    held = lowest(memory)
    if held[-1] > held[1] * (1 + GROWTH):
        wrong.append(f"memory grew from {held[1]} to {held[-1]} MB")
    return wrong


async def run(process: int, port: int, minutes: float, connections: int) -> list[str]:
    until, seen = time.monotonic() + minutes * 60, Counter[tuple[str, str]]()
    await one(port, "several", random.Random(0))
    files, cpu = Path(f"/proc/{process}/fd"), cpu_seconds(process)
    opened = len(list(files.iterdir()))
    clients = (client(port, number, until, seen) for number in range(connections))
    (memory, waits), *_ = await asyncio.gather(watch(process, port, until), *clients)
    await asyncio.sleep(3)
    left = len(list(files.iterdir())) - opened
    for kind in KINDS:
        print(f"{kind:10}", {status: count for (name, status), count in sorted(seen.items()) if name == kind})
    print(
        f"{seen.total()} in {minutes:g} minutes, {connections} connections, {cpu_seconds(process) - cpu:.0f} s of CPU"
    )
    print("memory held, MB, in each tenth of the time:", lowest(memory), "and at most", max(memory) // 10**6)
    print(f"/health: median {median(waits):.3f} s, longest {max(waits):.3f} s; files left open: {left}")
    return wrong_in(seen, memory, waits) + ([f"{left} files left open"] if left > 5 else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="A run folder; a random model by default.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--connections", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None:
            random_model(folder)
        command = [sys.executable, "-m", "iepile.cli", "serve", "--model", options.model or folder, "--port", "0"]
        with subprocess.Popen([*command, "--max_new_tokens", "16"], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                found = re.search(r":(\d+)/docs", server.stdout.readline())
                assert found
                wrong = asyncio.run(run(server.pid, int(found[1]), options.minutes, options.connections))
            finally:
                server.terminate()
            if code := server.wait(90):
                wrong.append(f"the server ended with {code}")
    for line in wrong:
        print("wrong:", line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
