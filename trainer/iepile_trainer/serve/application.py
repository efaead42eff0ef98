"""The addresses of the server, and what they say where something is wrong.

`POST /extract`, `GET /health`, `GET /metrics`, and for people `/docs` and `/openapi.json`. An error is
`{"error": …, "field": …}`.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from concurrent.futures import Future
from difflib import get_close_matches
from importlib import resources
from typing import Any

import jinja2
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..engines import well_formed
from ..errors import TrainerError
from ..extraction.results import Extraction
from ..run_folder import versions
from . import responses
from .access import Guarded, Requests
from .arguments import ServeArguments
from .batcher import Batcher
from .requests import ExtractRequest, documents_in

_READ_ON = 16  # times the limit that are read and thrown away, so that a client gets to read why it is refused
_GONE = 499  # what nginx calls it; nobody reads it
_ERRORS = {
    400: "The body is no JSON, or the host another than this server's.",
    401: "A key is needed: `Authorization: Bearer KEY`.",
    413: "The request is too large.",
    422: "A value is wrong; `field` names it.",
    503: "Too many wait, the server stops, or its model answers nothing.",
    504: "It took too long.",
}
_NOT_READY: dict[str, Any] = {"model": responses.Health, "description": "Not ready."}


def application(batcher: Batcher, args: ServeArguments) -> ASGIApp:
    """The server as an ASGI application.

    Args:
        batcher: Who answers; closed by whoever made it.
        args: What it may say of the model, what a request may ask for, and how long it may take.
    """
    started, requests = time.monotonic(), Requests()
    app = FastAPI(
        title="iepile",
        description="Texts and a schema in, typed results with their places out.",
        version=versions().get("iepile", "0"),
        docs_url=None,  # FastAPI's own pages are fetched from elsewhere
        redoc_url=None,
        responses={status: {"model": responses.Error, "description": words} for status, words in _ERRORS.items()},
    )

    @app.post("/extract", response_model=responses.Extraction | list[responses.Extraction])
    async def extract(body: ExtractRequest, request: Request) -> Response:
        """Extract from a text, or from several at once; a list of them gives a list."""
        extractions = await _all(batcher.submit(documents_in(body, args)), request, args.timeout)
        if extractions is None:
            return Response(status_code=_GONE)
        answers = [extraction.as_dict() for extraction in extractions]
        return JSONResponse(answers if body.texts is not None else answers[0])

    @app.get("/health", response_model=responses.Health, responses={503: _NOT_READY})
    async def health() -> Response:
        """Whether the server answers: 200 only when it does."""
        counts = {
            "waiting": batcher.waiting,
            "answered": batcher.answered,
            "batches": batcher.batches,
            "uptime": round(time.monotonic() - started, 1),
        }
        status, code = ("ready", 200) if batcher.is_ready else ("stopping", 503)
        return JSONResponse({"status": status, **args.facts, **counts}, code)

    template = (resources.files(__package__) / "page.html.jinja").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    fields = ExtractRequest.model_json_schema()["properties"]
    page = environment.from_string(template).render(facts=args.facts, args=args, fields=fields)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page)

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/docs")

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Requests by path and status, how long extractions took, and what waits, for Prometheus."""
        waiting = f"# TYPE iepile_waiting gauge\niepile_waiting {batcher.waiting}"
        answered = f"# TYPE iepile_answered_total counter\niepile_answered_total {batcher.answered}"
        lines = "\n".join([*requests.lines(), waiting, answered, ""])
        return PlainTextResponse(lines, media_type="text/plain; version=0.0.4")

    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(AnyHTTPException, _http)
    app.add_exception_handler(Exception, lambda _, problem: _error(500, f"{type(problem).__name__} (see the log)"))
    bounded = Bounded(app, args.body_bytes, args.timeout)
    return Guarded(bounded, os.environ.get("IEPILE_API_KEY", ""), args.hosts, requests)


class Bounded:
    """An ASGI application whose requests have bodies within bounds; others get 413 or 408.

    Args:
        inner: The application.
        most: Bytes.
        timeout: Seconds.
    """

    def __init__(self, inner: ASGIApp, most: int, timeout: float) -> None:
        self._inner, self._most, self._timeout = inner, most, timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        size, is_whole = 0, False
        until = asyncio.get_running_loop().time() + self._timeout

        async def bounded() -> Message:
            nonlocal size, is_whole
            if is_whole:
                return await receive()
            while True:
                try:
                    async with asyncio.timeout_at(until):
                        message = await receive()
                except TimeoutError:
                    raise HTTPException(408, f"the request was not sent within {self._timeout:g} s") from None
                is_whole = not message.get("more_body", False)
                size += len(message.get("body", b""))
                if size <= self._most:
                    return message
                if is_whole or size > self._most * _READ_ON:
                    raise HTTPException(413, f"the request is larger than {self._most:,} bytes")

        await self._inner(scope, bounded, send)


async def _all(futures: "list[Future[Extraction]]", request: Request, timeout: float) -> list[Extraction] | None:
    """What all of them give; None where the client has gone. Those that are not done then are cancelled."""
    answers = asyncio.gather(*map(asyncio.wrap_future, futures))
    answers.add_done_callback(_hear)
    gone = asyncio.ensure_future(_gone(request))
    try:
        both: set[asyncio.Future[Any]] = {answers, gone}
        await asyncio.wait(both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if answers.done():
            return answers.result()
        if gone.done():
            return None
        raise HTTPException(504, f"not answered within {timeout:g} s (ask for less, or later)")
    except TrainerError:  # its words are for the log: they name servers and places
        raise HTTPException(503, "the model answers nothing at the moment", {"Retry-After": "5"}) from None
    finally:
        gone.cancel()
        answers.cancel()


def _hear(answers: "asyncio.Future[Any]") -> None:
    """Take note of what nobody waits for any more: asyncio would log it as an error."""
    answers.cancelled() or answers.exception()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _http(_: Request, problem: Any) -> Response:
    reason = _NO_JSON if problem.status_code == 400 else str(problem.detail)
    return _error(problem.status_code, reason, getattr(problem, "field", None), problem.headers)


async def _invalid(request: Request, problem: Any) -> Response:
    """The first thing that is wrong, in one line."""
    first = problem.errors()[0]
    place = [str(part) for part in first["loc"][1:] if not str(part).startswith(("list[", "dict["))]
    if first["type"] == "json_invalid":
        return _error(400, f"{_NO_JSON}: {first['ctx']['error']} at character {first['loc'][1]}")
    if not place:
        return _error(422, "the body is no JSON object (send one, with Content-Type: application/json)")
    field, reason = place[0], first["msg"]
    if first["type"] == "extra_forbidden":
        known = [option.alias or name for name, option in ExtractRequest.model_fields.items()]
        near = get_close_matches(field, known, 1)
        reason = f"unknown (did you mean {near[0]}?)" if near else f"unknown (known are {', '.join(known)})"
    elif first["type"] == "missing":
        reason = "missing (what to look for: a list of labels, or see /docs)"
    return _error(422, f"{'.'.join(place)}: {reason}", field)


_NO_JSON = "the body cannot be read as JSON"


def _error(status: int, reason: str, field: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": well_formed(reason), "field": field and well_formed(field)}, status, headers)
