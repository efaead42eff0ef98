"""Texts of many requests → batches for one model, in threads of their own."""

import logging
import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from copy import copy
from threading import Condition, Thread

from .. import TrainerError
from ..engines import Answer, Backend, Row
from ..extraction.documents import Document, language_of
from ..extraction.extractor import Extractor
from ..extraction.results import Extraction

log = logging.getLogger("iepile.serve")

Pair = tuple[Document, "Future[Extraction]"]

_SIZE = 256  # documents a batch, of a backend that does not say how many prompts it answers together


class Full(Exception):
    """Too much waits already.

    Attributes:
        seconds: When it may be worth while to ask again.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many texts wait already (try again in {seconds} s)")
        self.seconds = seconds


class Closed(Exception):
    """The server takes no more."""


class Batcher:
    """Answers documents, as many together as wait.

    A cancelled future's document is not asked about, and what is not yet sent of its questions is left out.

    Args:
        extract: Who answers.
        most: Documents that may wait.
        pause: Seconds that the first document waits for others when nothing else is done.
        threads: Batches that are answered at once; more than one only pays where another process does the work.
    """

    def __init__(self, extract: Extractor, most: int = 1024, pause: float = 0.005, threads: int = 1) -> None:
        self._extract = extract
        self._most, self._pause = most, pause
        self._waiting: deque[Pair] = deque()
        self._changed = Condition()
        self._closing = False
        self._pace = 0.0
        self.answered = 0
        self.batches = 0
        self._threads = [Thread(target=self._run, name="iepile-batcher", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Documents that wait for their turn."""
        return len(self._waiting)

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
                raise Closed("the server takes no more requests")
            if len(self._waiting) + len(documents) > self._most:
                self._waiting = deque(pair for pair in self._waiting if not pair[1].cancelled())
            if len(self._waiting) + len(documents) > self._most:
                raise Full(min(max(math.ceil(self._pace * len(self._waiting)), 1), 60))
            pairs: list[Pair] = [(document, Future()) for document in documents]
            self._waiting.extend(pairs)
            self._changed.notify()
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

    def _run(self) -> None:
        extract = copy(self._extract)
        extract.backend = sparing = _Sparing(self._extract.backend)
        while (batch := self._next()) is not None:
            if not batch:
                continue
            start = time.monotonic()
            self._answer(batch, extract, sparing)
            with self._changed:
                self.batches += 1
                pace = (time.monotonic() - start) / len(batch)
                self._pace = (self._pace + pace) / 2 if self._pace else pace

    def _next(self) -> list[Pair] | None:
        """What is answered next; None when all is done."""
        size = getattr(self._extract.backend, "batch_size", _SIZE)
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            self._changed.wait_for(lambda: len(self._waiting) >= size or self._closing, self._pause)
            # Another thread may have taken them meanwhile: then nothing is left for this one.
            return [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]

    def _answer(self, batch: list[Pair], extract: Extractor, sparing: "_Sparing") -> None:
        asked: deque[Future[Extraction]] = deque()

        def documents() -> Iterator[Document]:
            for document, future in batch:
                if not future.cancelled():
                    asked.append(future)
                    sparing.asker = future
                    yield document

        try:
            for extraction in extract.answer(documents()):
                self._settle(asked.popleft(), extraction)
        except Exception as problem:
            left = [pair for pair in batch if not pair[1].done()]
            if isinstance(problem, TrainerError):
                log.error("nothing can be answered: %s", problem)
                for _, future in left:
                    self._settle(future, problem)
            elif len(batch) == 1:
                log.error("a text cannot be answered", exc_info=problem)
                for document, future in left:
                    self._settle(future, _failed(document, problem))
            else:
                for pair in left:  # one of them is at fault, the others are not
                    self._answer([pair], extract, sparing)

    def _settle(self, future: "Future[Extraction]", result: Extraction | Exception) -> None:
        with self._changed:
            self.answered += 1
        try:
            if isinstance(result, Extraction):
                future.set_result(result)
            else:
                future.set_exception(result)
        except InvalidStateError:
            pass  # nobody waits for it any more


def _failed(document: Document, problem: Exception) -> Extraction:
    language = document.language or language_of(document.text)
    error = f"{type(problem).__name__} (see the server's log)"
    return Extraction(document.text, document.task, language, error=error, failed=True)


class _Sparing:
    """A backend that is not asked what nobody waits for.

    Attributes:
        asker: Whose questions come now.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.room = backend.room
        self.asker: Future[Extraction] = Future()

    def count(self, instruction: str) -> int:
        return self.backend.count(instruction)

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        are_sent: deque[bool] = deque()

        def sent() -> Iterator[Row]:
            for row in rows:
                are_sent.append(not self.asker.cancelled())
                if are_sent[-1]:
                    yield row

        for answer in self.backend.answer(sent()):
            while not are_sent.popleft():
                yield _GIVEN_UP
            yield answer
        while are_sent and not are_sent.popleft():
            yield _GIVEN_UP


_GIVEN_UP = Answer("", "given up: nobody waits for it")
