"""Asks `iepile serve`, with nothing but the standard library."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ..errors import TrainerError, first_line
from ..extraction.results import Extraction

__all__ = ["Client", "ServerError"]


class ServerError(TrainerError):
    """What a server refuses, or that there is none.

    Attributes:
        status: Of HTTP: 401 a key is needed, 413 too much was asked, 422 a value is wrong, 503 the server is busy (ask
            later), 504 it took too long; None where nothing was answered.
        field: What of the request is to blame, where the server names it.
    """

    def __init__(self, reason: str, status: int | None = None, field: str | None = None) -> None:
        super().__init__(reason)
        self.status, self.field = status, field


class Client:
    """Extracts as an `Extractor` does, by a server.

    Args:
        url: Of the server.
        key: That it wants; by default `IEPILE_API_KEY`.
        timeout: Seconds that a request may take.

    Raises:
        ServerError: The address is none, or the key cannot be sent.

    >>> Client("localhost:8000")
    Traceback (most recent call last):
    iepile_trainer.serve.client.ServerError: 'localhost:8000' is no address (such as http://localhost:8000)
    """

    def __init__(self, url: str = "http://127.0.0.1:8000", key: str | None = None, timeout: float = 120.0) -> None:
        if not _is_address(url):
            raise ServerError(f"{url!r} is no address (such as http://localhost:8000)")
        self.url, self.timeout = url.rstrip("/"), timeout
        self._key = os.environ.get("IEPILE_API_KEY", "") if key is None else key
        if not self._key.isprintable():  # what refuses it later would show it
            raise ServerError("the key holds a line end or another sign that cannot be sent (key, or IEPILE_API_KEY)")

    def __call__(self, text: str | Sequence[str], schema: Any, task: str = "ner", **options: Any) -> Any:
        """Extract from a text, or from several at once.

        Args:
            text: A text, or a list of them.
            schema: What to look for, see `Extractor`.
            task: `ner`, `re`, `ee`, `eet`, `eea`, `spo` or `kg`.
            options: `language`, `min_confidence` or `triggers`.

        Returns:
            An `Extraction`, or a list of them; what is wrong with one text of several stands in its `error`.

        Raises:
            ServerError: The server refuses, is busy, or cannot be reached.
        """
        asked = {"text": text} if isinstance(text, str) else {"texts": list(text)}
        answer = self._ask("/extract", {**asked, "schema": schema, "task": task, **options})
        try:
            return Extraction.of(answer) if isinstance(text, str) else [Extraction.of(one) for one in answer]
        except (AttributeError, KeyError, TypeError):
            raise ServerError(f"{self.url} gives no extractions (is it the address of iepile serve?)") from None

    def health(self) -> dict[str, Any]:
        """What the server says of itself: its model, and how many texts wait.

        Raises:
            ServerError: It is not ready, or cannot be reached.
        """
        answer: dict[str, Any] = self._ask("/health")
        return answer

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, {"Content-Type": "application/json"})
        if self._key:  # in UTF-8, and to this server alone
            request.add_unredirected_header("Authorization", f"Bearer {self._key}".encode().decode("latin-1"))
        try:
            with urlopen(request, timeout=self.timeout) as answer:
                return json.load(answer)
        except HTTPError as problem:
            said = _object(problem)
            raise ServerError(
                f"{self.url}: {said.get('error') or problem.reason} ({problem.code})", problem.code, said.get("field")
            ) from None
        except (OSError, ValueError, HTTPException) as problem:
            raise ServerError(f"{self.url} does not answer: {first_line(problem)}") from None


def _is_address(url: str) -> bool:
    with suppress(ValueError):
        address = urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and url.isprintable() and " " not in url
    return False


def _object(answer: Any) -> dict[str, Any]:
    try:
        said = json.load(answer)
    except (OSError, ValueError, HTTPException):
        return {}
    return said if isinstance(said, dict) else {}
