"""Who may ask, and what is written down of it: never a text."""

import hmac
import logging
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iepile_dataset.errors import visible

log = logging.getLogger("iepile.access")

OPEN = ("/", "/docs", "/health", "/openapi.json")  # what a browser and whoever watches the process read without a key
_PATHS = {*OPEN, "/extract", "/metrics"}
_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds
_SHOWN = 200


class Requests:
    """Requests answered so far, for Prometheus.

    >>> requests = Requests()
    >>> requests.add("/extract", 200, 0.3)
    >>> requests.add("/secret/of/mine", 404, 0.001)
    >>> list(requests.lines())[1:3]
    ['iepile_requests_total{path="/extract",status="200"} 1', 'iepile_requests_total{path="other",status="404"} 1']
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()
        self._slower = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0

    def add(self, path: str, status: int, seconds: float) -> None:
        """Count one; the time is that of extractions alone."""
        self._counts[path if path in _PATHS else "other", status] += 1
        if path == "/extract":
            self._slower[bisect_left(_BUCKETS, seconds)] += 1
            self._seconds += seconds

    def lines(self) -> Iterator[str]:
        """The figures in Prometheus's text format."""
        yield "# TYPE iepile_requests_total counter"
        for (path, status), count in sorted(self._counts.items()):
            yield f'iepile_requests_total{{path="{path}",status="{status}"}} {count}'
        yield "# TYPE iepile_extract_seconds histogram"
        total = 0
        for edge, count in zip((*_BUCKETS, "+Inf"), self._slower):
            total += count
            yield f'iepile_extract_seconds_bucket{{le="{edge}"}} {total}'
        yield f"iepile_extract_seconds_sum {self._seconds:.6f}"
        yield f"iepile_extract_seconds_count {total}"


class Guarded:
    """An ASGI application that only some may ask, by a key and by the host that they name.

    Args:
        inner: The application.
        key: What a client sends as `Authorization: Bearer KEY` or `X-API-Key: KEY`; "" lets everybody ask.
        hosts: Names that a request's `Host` may have; empty for any.
        requests: Is told of each request.
    """

    def __init__(self, inner: ASGIApp, key: str, hosts: Sequence[str], requests: Requests) -> None:
        self._inner, self._key, self._requests = inner, key.encode(), requests
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say why not."""
        started, status = time.monotonic(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        try:
            await (self._refusal(scope) or self._inner)(scope, receive, watched)
        finally:
            seconds = time.monotonic() - started
            self._requests.add(scope["path"], status, seconds)
            client, path = (scope.get("client") or ("-",))[0], visible(scope["path"][:_SHOWN])
            log.info("%s %s %s %d %.0f ms", client, scope["method"], path, status, seconds * 1000)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = dict(reversed(scope["headers"]))
        if self._hosts and _name(headers.get(b"host", b"")) not in self._hosts:
            return _error(400, "this server does not answer under the host that was named (see --allowed_hosts)")
        if self._key and scope["path"] not in OPEN and not self._knows(headers):
            return _error(401, "a key is needed (Authorization: Bearer KEY)", {"WWW-Authenticate": "Bearer"})
        return None

    def _knows(self, headers: dict[bytes, bytes]) -> bool:
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        given = bearer.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
        return hmac.compare_digest(given, self._key)


def _name(host: bytes) -> str:
    """The name in a `Host` header.

    >>> _name(b"Example.org:8000"), _name(b"[::1]:80"), _name(b"::1")
    ('example.org', '::1', '::1')
    """
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text if text.count(":") > 1 else text.partition(":")[0]


def _error(status: int, reason: str, headers: dict[str, str] | None = None) -> Any:
    return JSONResponse({"error": reason, "field": None}, status, headers)
