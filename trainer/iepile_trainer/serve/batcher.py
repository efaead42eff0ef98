"""Texts of many requests → batches for one model, in threads of their own."""

import ctypes
import logging
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import replace
from threading import Condition, Thread

from starlette.exceptions import HTTPException

from ..errors import TrainerError
from ..extraction.documents import Document
from ..extraction.extractor import Extractor
from ..extraction.merge_windows import extraction_of
from ..extraction.results import Extraction

log = logging.getLogger("iepile.serve")

_TIDY = 10.0  # seconds between two times

Pair = tuple[Document, "Future[Extraction]"]

_LONG = 4_000  # characters of a text that is asked about in many windows
_SIZE = 256  # documents a batch, of an engine that does not say how many prompts it answers together


class Full(HTTPException):
    """Too much waits already; `Retry-After` says when it may be worth while to ask again."""


class Closed(HTTPException):
    """The server takes no more."""


class Batcher:
    """Answers documents, as many together as wait; long ones apart, which take turns with the others.

    A cancelled future's document is not asked about, and what is not yet sent of its questions is left out.

    Args:
        extract: Who answers.
        most: Documents that may wait.
        pause: Seconds that the first document waits for others when nothing else is done.
        threads: Batches that are answered at once, beside one of long texts; more than one only pays where another
            process does the work.
    """

    def __init__(self, extract: Extractor, most: int = 1024, pause: float = 0.005, threads: int = 1) -> None:
        self._extract = extract
        self._most, self._pause = most, pause
        self._short: deque[Pair] = deque()
        self._long: deque[Pair] = deque()
        self._changed = Condition()
        self._closing = False
        self._pace, self._tidied = 0.0, 0.0
        self.answered = 0
        self.batches = 0
        lanes = [self._short] * threads + [self._long]
        self._threads = [Thread(target=self._run, args=(lane,), name="iepile-batcher", daemon=True) for lane in lanes]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Documents that wait for their turn."""
        return len(self._short) + len(self._long)

    @property
    def is_ready(self) -> bool:
        """Whether documents are taken."""
        return not self._closing and all(thread.is_alive() for thread in self._threads)

    def submit(self, documents: Sequence[Document]) -> "list[Future[Extraction]]":
        """Queue documents, all or none.

        Returns:
            A future for each. It fails with a TrainerError where nothing can be answered at all.

        Raises:
            Full: There is no room for them.
            Closed: The batcher was closed.
        """
        with self._changed:
            if not self.is_ready:
                raise Closed(503, "the server takes no more requests")
            if self.waiting + len(documents) > self._most:
                for lane in (self._short, self._long):
                    wanted = [pair for pair in lane if not pair[1].cancelled()]
                    lane.clear()
                    lane.extend(wanted)
            if self.waiting + len(documents) > self._most:
                seconds = str(min(max(math.ceil(self._pace * self.waiting), 1), 60))
                words = f"too many texts wait already (try again in {seconds} s)"
                raise Full(503, words, {"Retry-After": seconds})
            pairs: list[Pair] = [(document, Future()) for document in documents]
            for pair in pairs:
                (self._long if len(pair[0].text) > _LONG else self._short).append(pair)
            self._changed.notify_all()
        return [future for _, future in pairs]

    def close(self, timeout: float | None = None) -> bool:
        """Answer what waits, take nothing new; whether that was done in time, in seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        until = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if until is None else max(until - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, lane: deque[Pair]) -> None:
        while (batch := self._next(lane)) is not None:
            if not batch:
                continue
            start = time.monotonic()
            self._answer(batch)
            if start > self._tidied + _TIDY:
                self._tidied = start
                _return_memory()
            with self._changed:
                self.batches += 1
                pace = (time.monotonic() - start) / len(batch)
                self._pace = (self._pace + pace) / 2 if self._pace else pace

    def _next(self, lane: deque[Pair]) -> list[Pair] | None:
        """What is answered next; None when all is done."""
        size = getattr(self._extract.engine, "batch_size", _SIZE)
        with self._changed:
            self._changed.wait_for(lambda: lane or self._closing)
            if not lane:
                return None
            self._changed.wait_for(lambda: len(lane) >= size or self._closing, self._pause)
            # Another thread may have taken them meanwhile: then nothing is left for this one.
            return [lane.popleft() for _ in range(min(size, len(lane)))]

    def _answer(self, batch: list[Pair]) -> None:
        sent: deque[Future[Extraction]] = deque()

        def documents() -> Iterator[Document]:
            for document, future in batch:
                if not future.cancelled():
                    sent.append(future)
                    yield replace(document, is_given_up=future.cancelled)

        try:
            for extraction in self._extract.answer(documents()):
                self._settle(sent.popleft(), extraction)
        except Exception as problem:
            left = [pair for pair in batch if not pair[1].done()]
            if isinstance(problem, TrainerError):
                log.error("nothing can be answered: %s", problem)
                for _, future in left:
                    self._settle(future, problem)
            elif len(batch) == 1:
                log.error("a text cannot be answered", exc_info=problem)
                for document, future in left:
                    error = f"{type(problem).__name__} (see the server's log)"
                    self._settle(future, extraction_of(replace(document, error=error), (), ()))
            else:
                for pair in left:  # one of them is at fault, the others are not
                    self._answer([pair])

    def _settle(self, future: "Future[Extraction]", result: Extraction | Exception) -> None:
        with self._changed:
            self.answered += 1
        with suppress(InvalidStateError):  # nobody waits for it any more
            future.set_result(result) if isinstance(result, Extraction) else future.set_exception(result)


def _return_memory() -> None:
    """Hand what was freed back to the system, where that can be asked: glibc keeps the room of large tensors."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
