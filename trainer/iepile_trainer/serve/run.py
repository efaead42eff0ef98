r"""Answer over HTTP: texts and a schema in, typed results with their places out.

```bash
iepile serve --model runs/quickstart
curl http://127.0.0.1:8000/extract --json '{"text": "Ann Bell moved to Oslo.", "schema": ["person", "city"]}'
```

# In front of a vLLM server, or any other that speaks OpenAI's protocol; --tokenizer makes the prompts those of training
```bash
vllm serve runs/merged --port 8001
iepile serve --engine openai --base_url http://127.0.0.1:8001/v1 --model runs/merged --tokenizer runs/merged
```

# For others: a key, which clients send as `Authorization: Bearer KEY`, and encryption
```bash
IEPILE_API_KEY=$(openssl rand -hex 32) iepile serve --model runs/quickstart --host 0.0.0.0 \\
    --tls_cert server.pem --tls_key server.key --allowed_hosts extract.example.org --access_log
```

Requests that come together are answered together; long texts take turns with the others. /docs explains them, /health
says whether the server is ready, /metrics has figures for Prometheus. Ctrl+C or SIGTERM: requests that were accepted
are answered, new ones refused; a second Ctrl+C gives up at once.
"""

import logging
import math
import os
import signal
import socket
import ssl
import sys
from dataclasses import replace
from typing import Any

from ..command_line import run
from ..errors import TrainerError, import_extra
from .arguments import ServeArguments

_HEAD = 16 << 10  # bytes of the head of a request
_LINES = 100  # a minute, of what went wrong


def main(argv: list[str] | None = None) -> None:
    """Serve as the command line says."""
    run(command, argv, prog="serve")


def command(options: ServeArguments) -> None:
    """Answer over HTTP: POST a text and a schema, get typed results with their places.

    iepile serve --model runs/quickstart

    curl http://127.0.0.1:8000/extract --json '{"text": "Ada Bell lives in Rome.", "schema": ["person", "place"]}'
    """
    from iepile_dataset import DataError
    from iepile_dataset.errors import visible

    # Threads that wait in a loop slow each other down many times over when cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    try:
        serve(options)
    except ModuleNotFoundError as missing:
        sys.exit(f"error: no module {missing.name!r} (pip install 'iepile[train,serve]')")
    except (TrainerError, DataError, OSError) as problem:
        sys.exit(f"error: {visible(str(problem))}")
    except KeyboardInterrupt:  # before anything was served
        sys.exit(130)


def serve(args: ServeArguments) -> None:
    """Load the model and answer until a signal comes.

    Raises:
        TrainerError: A port that is taken, no such model, or one that answers nothing.
    """
    import_extra("fastapi", "serve")
    uvicorn = import_extra("uvicorn", "serve")
    if not args.model:
        raise TrainerError("no model: give --model (a run folder, a Hub id, or what a server calls its model)")
    _check_tls(args)
    listening = _bound(args.host, args.port)  # first, so that a port that is taken is found out before the model loads
    extractor = _loaded(args)

    from .batcher import Batcher
    from .connections import Sparing

    # A model at work holds Python's lock, and by default hands it on too seldom for requests to be read meanwhile.
    sys.setswitchinterval(0.0005)
    batcher = Batcher(extractor, args.max_waiting, args.batch_wait_ms / 1000, _threads(args))
    server = uvicorn.Server(configured(batcher, args))
    _log(Sparing(_LINES), args.access_log)
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn ends on them and then passes them on: all is done by then
        signal.signal(number, lambda *_: None)
    listening.listen(2048)
    host, port = listening.getsockname()[:2]
    if not os.environ.get("IEPILE_API_KEY") and not host.startswith("127.") and host != "::1":
        print("warning: whoever reaches this address may ask (set IEPILE_API_KEY to a key)", file=sys.stderr)
    scheme = "https" if args.tls_cert else "http"
    print(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/docs (Ctrl+C ends it)", flush=True)
    server.run(sockets=[listening])
    if not batcher.close(timeout=1):  # at work for nobody any more: requests were given up, or a second Ctrl+C came
        sys.stdout.flush()
        os._exit(1 if server.force_exit else 0)


def configured(batcher: Any, args: ServeArguments) -> Any:
    """How uvicorn is to serve what a batcher answers."""
    import uvicorn

    from .application import application
    from .connections import protocol_of

    return uvicorn.Config(
        application(batcher, replace(args, max_texts=min(args.max_texts, args.max_waiting))),
        http=protocol_of(args),
        h11_max_incomplete_event_size=_HEAD,
        ssl_certfile=args.tls_cert,
        ssl_keyfile=args.tls_key,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=math.ceil(args.timeout),
    )


def _check_tls(args: ServeArguments) -> None:
    """A TrainerError for a certificate that cannot be used."""
    if not args.tls_cert and not args.tls_key:
        return
    if not args.tls_cert:
        raise TrainerError("--tls_key needs --tls_cert, the certificate that it belongs to")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(args.tls_cert, args.tls_key, lambda: "")
    except OSError as problem:  # ssl.SSLError is one
        files = " and ".join(filter(None, (args.tls_cert, args.tls_key)))
        reason = problem.strerror or str(problem)
        raise TrainerError(f"{files}: no certificate with its key: {reason} (PEM files, without a password)") from None


def _log(sparing: logging.Filter, access: bool) -> None:
    """Bound what strangers can have written, and write the access log where it is wanted."""
    for name in ("uvicorn.error", "asyncio", "iepile.serve"):
        logging.getLogger(name).addFilter(sparing)
    if access:
        log, handler = logging.getLogger("iepile.access"), logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False


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

    # All tries together take no longer than the request that they are for.
    timeout, concurrency = args.timeout / (args.retries + 1), math.ceil(args.concurrency / _threads(args))
    extractor = Extractor.open(replace(args, timeout=timeout, concurrency=concurrency))
    first = extractor("Ulm", ["city"])
    if not any(first.raw):  # what it says to this text does not matter, that it says something does
        print(f"warning: the model gives no answer: {first.error}", file=sys.stderr)
    return extractor


def _threads(args: ServeArguments) -> int:
    """Several only before another server: a slow answer from there then holds up one of them."""
    return min(4, args.concurrency) if args.engine == "openai" else 1
