r"""Answer over HTTP: texts and a schema in, typed results with their places out.

```bash
iepile serve --model runs/quickstart
curl http://127.0.0.1:8000/extract --json '{"text": "Ada Bell lives in Rome.", "schema": ["person", "place"]}'
```

# In front of a vLLM server, or any other that speaks OpenAI's protocol; --tokenizer makes the prompts those of training
```bash
vllm serve runs/merged --port 8001
iepile serve --backend openai --base_url http://127.0.0.1:8001/v1 --model runs/merged --tokenizer runs/merged
```

Requests that come together are answered together. /docs explains them, /health says whether the server is ready. There
is no key and no encryption: leave --host as it is, or put a proxy with both in front. Ctrl+C or SIGTERM: requests that
were accepted are answered, new ones refused; a second Ctrl+C gives up at once.
"""

import math
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from .. import TrainerError
from .arguments import ServeArguments

_OPENED = (
    "batch_size", "max_new_tokens", "constrain", "dtype", "bits", "device_map", "revision", "trust_remote_code",
    "base_url", "tokenizer", "concurrency", "retries", "split_num", "descriptions", "max_prompt_tokens",
    "min_confidence", "conflicts",
)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """Serve as the command line says; what the user can put right is said in one line, exit code 1."""
    from iepile_dataset import DataError

    from ..training.arguments import parse_into

    try:
        serve(parse_into(ServeArguments, argv, prog="serve", description=__doc__))
    except (TrainerError, DataError, OSError) as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:  # before anything was served
        sys.exit(130)


def serve(args: ServeArguments) -> None:
    """Load the model and answer until a signal comes.

    Raises:
        TrainerError: A wrong option, a port that is taken, no such model, or one that answers nothing.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ModuleNotFoundError as missing:
        raise TrainerError(f"no module {missing.name!r} (pip install 'iepile[serve]')") from None

    _check(args)
    listening = _bound(args.host, args.port)  # first, so that a port that is taken is found out before the model loads
    extract = _loaded(args)

    from .application import application
    from .batcher import Batcher
    from .requests import Limits

    # A model at work holds Python's lock, and by default hands it on too seldom for requests to be read meanwhile.
    sys.setswitchinterval(0.0005)
    batcher = Batcher(extract, args.max_waiting, args.batch_wait_ms / 1000, _threads(args))
    limits = Limits(args.max_text_chars, min(args.max_texts, args.max_waiting), args.max_labels)
    facts = {"model": _name(args.model), "adapter": _name(args.adapter)}
    facts |= {"backend": args.backend, "constrain": args.constrain}
    config = uvicorn.Config(
        application(batcher, facts, limits, args.timeout),
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=math.ceil(args.timeout),
    )
    for each in (signal.SIGINT, signal.SIGTERM):  # uvicorn ends on them and then passes them on: all is done by then
        signal.signal(each, lambda *_: None)
    listening.listen(2048)
    host, port = listening.getsockname()[:2]
    print(f"http://{f'[{host}]' if ':' in host else host}:{port}/docs (Ctrl+C ends it)", flush=True)
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    if not batcher.close(timeout=1):  # at work for nobody any more: requests were given up, or a second Ctrl+C came
        sys.stdout.flush()
        os._exit(1 if server.force_exit else 0)


def _check(args: ServeArguments) -> None:
    if args.model is None:
        raise TrainerError("no model: give --model (a run folder, a Hub id, or what a server calls its model)")
    for name in ("max_text_chars", "max_texts", "max_labels", "max_waiting"):
        if getattr(args, name) < 1:
            raise TrainerError(f"--{name} {getattr(args, name)} lets nothing through (1 or more)")
    if not 0 < args.timeout < math.inf:
        raise TrainerError(f"--timeout {args.timeout:g} is no time (seconds, more than 0)")
    if not 0 <= args.batch_wait_ms < math.inf:
        raise TrainerError(f"--batch_wait_ms {args.batch_wait_ms:g} is no time (milliseconds, 0 or more)")
    if args.concurrency < 1 or args.retries < 0:
        raise TrainerError(f"--concurrency {args.concurrency} --retries {args.retries} send nothing (from 1, from 0)")
    if not 0 <= args.port < 65536:
        raise TrainerError(f"--port {args.port} is no port (0 to 65535)")


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the address and does not listen yet: who comes too early is refused, not kept waiting."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as problem:
        raise TrainerError(f"cannot listen on {host}:{port}: {problem.strerror} (give --host or --port)") from None
    return bound


def _loaded(args: ServeArguments) -> Any:
    """The extractor, after a first question: some parts are only made ready by it, and nothing else proves it works."""
    from ..extraction.extractor import Extractor

    options = {name: getattr(args, name) for name in _OPENED}
    # All tries together take no longer than the request that they are for.
    options["timeout"] = args.timeout / (args.retries + 1)
    options["concurrency"] = math.ceil(args.concurrency / _threads(args))
    extract = Extractor.from_pretrained(
        args.model or "", args.adapter, backend=args.backend, logprobs=args.confidence, **options
    )
    first = extract("Ulm", ["city"])
    if not any(first.raw):  # what it says to this text does not matter, that it says something does
        print(f"warning: the model gives no answer: {first.error}", file=sys.stderr)
    return extract


def _threads(args: ServeArguments) -> int:
    """Several only before another server: a slow answer from there then holds up one of them."""
    return min(4, args.concurrency) if args.backend == "openai" else 1


def _name(model: str | None) -> str | None:
    """A model as strangers may read it: of a folder only its name."""
    return Path(model).resolve().name if model and Path(model).exists() else model
