"""The addresses of the server, and what they say where something is wrong.

`POST /extract`, `GET /health`, and for people `/docs` and `/openapi.json`. An error is `{"error": …, "field": …}`.
"""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Future
from difflib import get_close_matches
from importlib import resources
from typing import Any

import jinja2
import orjson
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from .. import TrainerError
from ..extraction.results import Extraction
from .batcher import Batcher, Closed, Full
from .bounded import Bounded
from .requests import Asked, Limits, Refused, documents
from .responses import Error, Found, Health

_GONE = 499  # what nginx calls it; nobody reads it
_ERRORS = {
    400: "The body is no JSON.",
    413: "The request is too large.",
    422: "A value is wrong; `field` names it.",
    503: "Too many wait, the server stops, or its model answers nothing.",
    504: "It took too long.",
}


def application(batcher: Batcher, facts: Mapping[str, Any], limits: Limits, timeout: float) -> Bounded:
    """The server as an ASGI application.

    Args:
        batcher: Who answers; closed by whoever made it.
        facts: What `/health` says of the model: `model`, `adapter`, `backend`, `constrain`.
        limits: What a request may ask for.
        timeout: Seconds that it may take.
    """
    started = time.monotonic()
    app = FastAPI(
        title="iepile",
        description="Texts and a schema in, typed results with their places out.",
        version=_version(),
        docs_url=None,  # FastAPI's own pages are fetched from elsewhere
        redoc_url=None,
        responses={status: {"model": Error, "description": words} for status, words in _ERRORS.items()},
    )

    @app.post("/extract", response_model=Found | list[Found])
    async def extract(asked: Asked, request: Request) -> Response:
        """Extract from a text, or from several at once; a list of them gives a list."""
        futures = batcher.submit(documents(asked, limits))
        found = await _all(futures, request, timeout)
        if found is None:
            return Response(status_code=_GONE)
        told = [extraction.as_dict() for extraction in found]
        return _json(told if asked.texts is not None else told[0])

    @app.get("/health", response_model=Health, responses={503: {"model": Health, "description": "Not ready."}})
    async def health() -> Response:
        """Whether the server answers: 200 only when it does."""
        counts = {
            "waiting": batcher.waiting,
            "answered": batcher.answered,
            "batches": batcher.batches,
            "uptime": round(time.monotonic() - started, 1),
        }
        ready = batcher.is_ready
        return _json({"status": "ready" if ready else "stopping", **facts, **counts}, 200 if ready else 503)

    page = _page().render(facts=facts, limits=limits, timeout=timeout, fields=Asked.model_json_schema()["properties"])

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page)

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/docs")

    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Full, _full)
    app.add_exception_handler(Closed, lambda _, problem: _error(503, str(problem)))
    app.add_exception_handler(AnyHTTPException, _http)
    app.add_exception_handler(Exception, lambda _, problem: _error(500, f"{type(problem).__name__} (see the log)"))
    return Bounded(app, limits.body_bytes, timeout)


async def _all(futures: "list[Future[Extraction]]", request: Request, timeout: float) -> list[Extraction] | None:
    """What all of them give; None where the client has gone. Those that are not done then are cancelled."""
    found = asyncio.gather(*map(asyncio.wrap_future, futures))
    gone = asyncio.ensure_future(_gone(request))
    try:
        both: set[asyncio.Future[Any]] = {found, gone}
        await asyncio.wait(both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if found.done():
            return found.result()
        if gone.done():
            return None
        raise HTTPException(504, f"not answered within {timeout:g} s (ask for less, or later)")
    except TrainerError:  # its words are for the log: they name servers and places
        raise HTTPException(503, "the model answers nothing at the moment", {"Retry-After": "5"}) from None
    finally:
        gone.cancel()
        found.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refused(_: Request, problem: Any) -> Response:
    return _error(problem.status, str(problem), problem.field)


async def _full(_: Request, problem: Any) -> Response:
    return _error(503, str(problem), headers={"Retry-After": str(problem.seconds)})


async def _http(_: Request, problem: Any) -> Response:
    parsing = problem.status_code == 400
    return _error(problem.status_code, _NO_JSON if parsing else str(problem.detail), headers=problem.headers)


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
        known = [each.alias or name for name, each in Asked.model_fields.items()]
        near = get_close_matches(field, known, 1)
        reason = f"unknown (did you mean {near[0]}?)" if near else f"unknown (known are {', '.join(known)})"
    elif first["type"] == "missing":
        reason = "missing (what to look for: a list of labels, or see /docs)"
    return _error(422, f"{'.'.join(place)}: {reason}", field)


_NO_JSON = "the body cannot be read as JSON"


def _error(status: int, reason: str, field: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    return _json({"error": reason, "field": field}, status, headers)


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    try:
        body = orjson.dumps(value)
    except TypeError:  # a message can quote half of a character
        body = orjson.dumps({name: _whole(each) for name, each in value.items()})
    return Response(body, status, headers, "application/json")


def _whole(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _page() -> jinja2.Template:
    words = (resources.files(__package__) / "page.html.jinja").read_text("utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(words)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("iepile")
    except PackageNotFoundError:
        return "0"
