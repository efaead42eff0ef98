"""Requests answered per second by `iepile serve`: one after the other, many at once, and one with as many texts.

    python benchmarks/serve.py [--model runs/quickstart] [--requests 200] [--constrain extractive]

The server is a process of its own; the client opens a connection for each request. Without a model, a small random one
is used: its answers are noise of full length, its speed is real. CPU time is the server's.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

TEXTS = ("Ada Bell lives in Rome.", "Bo Cane moved from Oslo to Lima in May.", "It rains.", "小明住在北京。")
LABELS = ["person", "city"]


def random_model(folder: str) -> None:
    from iepile_dataset import Schema, instructions
    from iepile_trainer.formats import use_format
    from iepile_trainer.models.scratch import new_model, new_tokenizer

    rows = [row for text in TEXTS for row in instructions(text, [], Schema(types=tuple(LABELS)), "ner", "en")]
    tokenizer = new_tokenizer(rows)
    use_format(tokenizer)
    new_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


async def ask(port: int, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    head = "POST /extract HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nConnection: close\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    answer = await reader.read()
    writer.close()
    if b" 200 OK" not in answer[:20]:
        raise SystemExit(answer.decode())


async def measured(process: int, name: str, work: Awaitable[Any], count: int, first: float) -> float:
    cpu, start = cpu_seconds(process), time.perf_counter()
    await work
    rate = count / (time.perf_counter() - start)
    used = (cpu_seconds(process) - cpu) / count * 1000
    print(f"{name:24} {rate:8.1f} texts/s  x{rate / (first or rate):5.2f}  {used:6.1f} ms of CPU a text")
    return rate


def cpu_seconds(process: int) -> float:
    """User and system time of a process so far; 0 where the system does not tell."""
    place = Path(f"/proc/{process}/stat")
    if not place.exists():
        return 0.0
    user, system = place.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def run(process: int, port: int, count: int) -> None:
    bodies = [{"text": text, "schema": LABELS} for text in islice(cycle(TEXTS), count)]
    await asyncio.gather(*(ask(port, body) for body in bodies[:8]))

    async def one_by_one() -> None:
        for body in bodies[: count // 4]:
            await ask(port, body)

    together = {"texts": [body["text"] for body in bodies], "schema": LABELS}
    first = await measured(process, "one after the other", one_by_one(), count // 4, 0)
    await measured(process, f"{count} at once", asyncio.gather(*(ask(port, body) for body in bodies)), count, first)
    await measured(process, "in one request", ask(port, together), count, first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="A run folder; a random model by default.")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--constrain", default="none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None:
            random_model(folder)
        words = ["--model", options.model or folder, "--constrain", options.constrain, "--max_new_tokens", "64"]
        words += ["--port", "0", "--max_texts", str(options.requests)]
        command = [sys.executable, "-m", "iepile.cli", "serve", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                if found := re.search(r":(\d+)/docs", server.stdout.readline()):
                    asyncio.run(run(server.pid, int(found[1]), options.requests))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
