"""A server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama, or OpenAI itself.

With a tokenizer the prompt of the training goes, as token ids, to `/v1/completions`; without one the instruction
goes as a chat message to `/v1/chat/completions`. The official client sends again what fails on the way.
"""

import asyncio
import os
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from .. import TrainerError
from ..constrain import PLAIN, Keys, closed, fits, lark, shape_of, spelling_of
from . import Answer, Row, Token

_NO_KEY = "none"  # the client wants one, servers of one's own mostly do not
_AHEAD = 4  # rows read ahead of the one that is waited for, per request in flight


class Remote:
    """Answers from a server.

    Args:
        model: The name by which the server knows it.
        base_url: The server's address up to `/v1`; None is OpenAI's own, or `OPENAI_BASE_URL`.
        tokenizer: A run folder or Hub id: prompts are sent as its token ids. None sends chat messages.
        max_new_tokens: Longest answer, in tokens.
        constrain: `json` or `extractive` send the row's grammar, for servers that take one (vLLM does); an answer
            that does not keep to it is an error.
        logprobs: Ask for the tokens' log-probabilities.
        concurrency: Requests in flight at once.
        timeout: Seconds that one request may take.
        retries: Times that a request is sent again after a refusal (429), a server's error, a timeout or a broken
            connection; the pause before each is longer, or what the server asks for.

    Attributes:
        room: None: how much a server's model reads is not known here.

    Raises:
        TrainerError: No openai package, no key, an address that is none, no such tokenizer.
    """

    room: int | None = None

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        tokenizer: str | None = None,
        max_new_tokens: int = 256,
        constrain: str = "none",
        logprobs: bool = False,
        concurrency: int = 16,
        timeout: float = 120.0,
        retries: int = 6,
    ) -> None:
        try:
            import openai  # noqa: F401
        except ImportError:
            raise TrainerError("backend openai needs the openai package (pip install 'iepile[openai]')") from None
        base_url = base_url or os.environ.get("OPENAI_BASE_URL")
        _check_address(base_url)
        if concurrency < 1:
            raise TrainerError(f"concurrency={concurrency} is no number of requests (1 or more)")
        self._key = os.environ.get("OPENAI_API_KEY") or (_NO_KEY if base_url else "")
        if not self._key:
            raise TrainerError("no key: set the environment variable OPENAI_API_KEY, or give --base_url of a server")
        self.model, self.base_url, self.max_new_tokens = model, base_url, max_new_tokens
        self.constrain, self.logprobs = constrain, logprobs
        self._concurrency, self._timeout, self._retries = concurrency, timeout, retries
        self._tokenizer: Any = _load_tokenizer(tokenizer) if tokenizer else None

    def count(self, instruction: str) -> int:
        """The tokens of an instruction's prompt.

        Raises:
            TrainerError: The server's tokenizer is not known here.
        """
        if self._tokenizer is None:
            raise TrainerError("how long a prompt is cannot be told without its tokenizer (give --tokenizer)")
        from ..tokenization.encode import prompt_ids

        return len(prompt_ids(self._tokenizer, [instruction])[0])

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order; see `Backend.answer`."""
        from openai import AsyncOpenAI

        loop = asyncio.new_event_loop()
        thread = Thread(
            target=loop.run_forever, name="iepile-requests", daemon=True
        )  # a loop of our own: in a notebook one runs already
        thread.start()
        client = AsyncOpenAI(
            api_key=self._key, base_url=self.base_url, timeout=self._timeout, max_retries=self._retries
        )
        bound = asyncio.Semaphore(self._concurrency)
        source = iter(rows)
        waiting: deque[Any] = deque()
        try:
            while True:
                for row in islice(source, self._concurrency * _AHEAD - len(waiting)):
                    waiting.append(asyncio.run_coroutine_threadsafe(self._answer(client, bound, row), loop))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            asyncio.run_coroutine_threadsafe(_stop(client), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _answer(self, client: Any, bound: asyncio.Semaphore, row: Row) -> Answer:
        import openai

        shape: Keys | None = None
        try:
            instruction = row.get("instruction")
            if not isinstance(instruction, str) or not instruction:
                raise TrainerError("the row has no instruction")
            options: dict[str, Any] = {"model": self.model, "temperature": 0}
            if self.constrain != "none":
                shape, text = shape_of(row)
                spelling = spelling_of(self._tokenizer) if self._tokenizer else PLAIN
                grammar = lark(shape, text if self.constrain == "extractive" else None, spelling)
                options["extra_body"] = {"structured_outputs": {"grammar": grammar}}
        except TrainerError as problem:
            return Answer("", str(problem))
        async with bound:
            try:
                if self._tokenizer is not None:
                    answer = await self._complete(client, instruction, options)
                else:
                    answer = await self._chat(client, instruction, options)
            except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as problem:
                raise TrainerError(f"{self._where()} refuses: {self._words(problem)}") from None
            except openai.APIConnectionError as problem:  # timeouts among them
                if not isinstance(problem, openai.APITimeoutError) and not await self._is_there(client):
                    raise TrainerError(f"{self._where()} cannot be reached: {self._words(problem)}") from None
                return Answer("", self._words(problem))
            except Exception as problem:  # whatever it is, the other rows go on
                return Answer("", self._words(problem))
        return answer if shape is None else _kept(answer, shape)

    async def _complete(self, client: Any, instruction: str, options: dict[str, Any]) -> Answer:
        from ..formats import stop_token_ids
        from ..tokenization.encode import prompt_ids

        stops = [self._tokenizer.decode([id]) for id in stop_token_ids(self._tokenizer)]
        done = await client.completions.create(
            prompt=prompt_ids(self._tokenizer, [instruction])[0],
            max_tokens=self.max_new_tokens,
            stop=stops[:4],  # the protocol takes no more
            logprobs=1 if self.logprobs else None,
            **options,
        )
        choice = done.choices[0]
        text, given = _readable(choice.text), choice.logprobs
        end = min((at for at in map(text.find, stops) if at >= 0), default=len(text))
        pairs = zip(given.tokens or (), given.token_logprobs or ()) if given else ()
        return Answer(text[:end], tokens=_tokens(text[:end], pairs), cut=choice.finish_reason == "length")

    async def _chat(self, client: Any, instruction: str, options: dict[str, Any]) -> Answer:
        # OpenAI's models want the new name of the limit, other servers may know the old one only.
        limit = "max_tokens" if self.base_url else "max_completion_tokens"
        options[limit] = self.max_new_tokens
        done = await client.chat.completions.create(
            messages=[{"role": "user", "content": instruction}],
            logprobs=self.logprobs or None,
            **options,
        )
        choice = done.choices[0]
        text, given = _readable(choice.message.content or ""), choice.logprobs
        pairs = ((token.token, token.logprob) for token in given.content or ()) if given else ()
        return Answer(text, tokens=_tokens(text, pairs), cut=choice.finish_reason == "length")

    async def _is_there(self, client: Any) -> bool:
        """Whether a server answers at all, be it with a refusal."""
        import openai

        try:
            await client.models.list()
        except openai.APIConnectionError:
            return False
        except openai.APIError:
            pass
        return True

    def _where(self) -> str:
        return f"the server {self.base_url}" if self.base_url else "OpenAI"

    def _words(self, problem: Exception) -> str:
        """An error in one line, without the key, which some servers repeat."""
        said = str(problem).strip() or type(problem).__name__
        cause = f" ({type(problem.__cause__).__name__})" if problem.__cause__ else ""
        line = f"{type(problem).__name__}: {said.splitlines()[0]}{cause}"
        return (line if self._key == _NO_KEY else line.replace(self._key, "[key]"))[:500]


def _readable(text: str) -> str:
    """The text without halves of characters, which JSON can hold and no file can."""
    return text.encode("utf-8", "replace").decode()


def _tokens(text: str, pairs: Iterable[tuple[str, float | None]]) -> tuple[Token, ...]:
    """Tokens with their places, as far as they spell the text: some servers name the bytes of half a character."""
    tokens, start = [], 0
    for piece, logprob in pairs:
        if logprob is None or not piece or not text.startswith(piece, start):
            break
        tokens.append(Token(start, start + len(piece), min(float(logprob), 0.0)))
        start += len(piece)
    return tuple(tokens)


def _kept(answer: Answer, shape: Keys) -> Answer:
    """The answer if it has the shape, closed if it was cut off; what the server was told, it may have ignored."""
    text = answer.text.strip()
    if answer.cut:
        try:
            text = closed(text, shape)
        except ValueError:
            text = ""
    if not fits(text, shape):
        return Answer("", "the server did not keep to the grammar (it must take `structured_outputs`, as vLLM does)")
    tokens = answer.tokens if answer.text.startswith(text) else ()
    return Answer(text, tokens=tokens, cut=answer.cut)


def _check_address(base_url: str | None) -> None:
    if base_url is None:
        return
    address = urlsplit(base_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise TrainerError(f"base_url={base_url!r} is no address (such as http://localhost:8000/v1)")
    if address.username or address.password:
        raise TrainerError("the address names a user or a password (give it by OPENAI_API_KEY, it is kept nowhere)")


def _load_tokenizer(name: str) -> Any:
    from ..formats import use_format
    from ..models.load import base_and_adapter, load_tokenizer

    tokenizer = load_tokenizer(*base_and_adapter(name))
    use_format(tokenizer)
    return tokenizer


async def _stop(client: Any) -> None:
    """Give up what is in flight."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await client.close()
