"""A server that speaks OpenAI's protocol: vLLM, SGLang, llama.cpp, Ollama, or OpenAI itself.

With a tokenizer the prompt of the training goes, as token ids, to `/v1/completions`; without one the instruction
goes as a chat message to `/v1/chat/completions`. The official client sends again what fails on the way.
"""

import asyncio
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from ..constrain import Keys, closed, fits
from ..errors import TrainerError, import_extra
from ..formats import stop_token_ids
from ..models.load import load_tokenizer
from ..models.location import base_and_adapter
from ..tokenization.encode import turns_of
from .answer import Answer, Row, well_formed
from .open_bias import logit_bias
from .options import EngineOptions
from .prompts import Prompt, PromptEngine, tokens_of

_NO_KEY = "none"  # the client wants one, servers of one's own mostly do not
_AHEAD = 4  # rows read ahead of the one that is waited for, per request in flight


class OpenAIEngine(PromptEngine):
    """Answers from a server.

    A constrained row goes with its grammar, for servers that take one (vLLM and SGLang do); an answer that does not
    keep to it is an error. A refusal (429), a server's error, a timeout or a broken connection is tried again.

    Attributes:
        room: None: how much a server's model reads is not known here.

    Raises:
        TrainerError: No openai package, no key, an address that is none, no such tokenizer.
    """

    def __init__(self, options: EngineOptions) -> None:
        import_extra("openai", "openai", "engine openai: ")
        if options.adapter is not None:
            raise TrainerError("engine openai takes no adapter: name it as --model, as its server knows it")
        tokenizer = load_tokenizer(*base_and_adapter(options.tokenizer)) if options.tokenizer else None
        super().__init__(options, tokenizer)
        self._logit_bias = logit_bias(tokenizer, options)
        self.base_url = _address(options.base_url or os.environ.get("OPENAI_BASE_URL"))
        self._key = os.environ.get("OPENAI_API_KEY") or (_NO_KEY if self.base_url else "")
        self._has_switch = self.base_url is not None
        if not self._key:
            raise TrainerError("no key: set the environment variable OPENAI_API_KEY, or give --base_url of a server")

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order; see `Engine.answer`."""
        from anyio.from_thread import start_blocking_portal
        from openai import AsyncOpenAI

        options = self.options
        client = AsyncOpenAI(
            api_key=self._key, base_url=self.base_url, timeout=options.timeout, max_retries=options.retries
        )
        bound = asyncio.Semaphore(options.concurrency)
        source, waiting = iter(rows), deque[Any]()
        # A loop in a thread of its own: in a notebook one runs already. Leaving it stops what is in flight.
        with start_blocking_portal(name="iepile-requests") as portal, portal.wrap_async_context_manager(client):
            while True:
                for row in islice(source, options.concurrency * _AHEAD - len(waiting)):
                    waiting.append(portal.start_task_soon(self._answer, client, bound, row))
                if not waiting:
                    return
                yield waiting.popleft().result()

    async def _answer(self, client: Any, bound: asyncio.Semaphore, row: Row) -> Answer:
        import openai

        prompt = self.prompt(row)
        if isinstance(prompt, Answer):
            return prompt
        request: dict[str, Any] = {"model": self.options.model, "temperature": 0}
        if self._logit_bias:
            request["logit_bias"] = self._logit_bias
        if prompt.grammar:
            # vLLM's name for it, and that of SGLang, whose llguidance takes Lark there.
            request["extra_body"] = {"structured_outputs": {"grammar": prompt.grammar}, "ebnf": prompt.grammar}
        ask = self._chat if self.tokenizer is None else self._complete
        async with bound:
            try:
                answer = await ask(client, prompt, request)
            except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as problem:
                raise TrainerError(f"{self._where()} refuses: {self._words(problem)}") from None
            except Exception as problem:  # whatever it is, the other rows go on, if there is a server at all
                if type(problem.__cause__).__name__ == "ConnectError":  # of httpx or httpx2, as the client's version
                    raise TrainerError(f"{self._where()} cannot be reached: {self._words(problem)}") from None
                return Answer("", self._words(problem))
        return answer if prompt.shape is None else _kept(answer, prompt.shape)

    async def _complete(self, client: Any, prompt: Prompt, request: dict[str, Any]) -> Answer:
        stops = [self.tokenizer.decode([id]) for id in stop_token_ids(self.tokenizer)]
        done = await client.completions.create(
            prompt=prompt.ids,
            max_tokens=self.options.max_new_tokens,
            stop=stops[:4],  # the protocol takes no more
            logprobs=1 if self.options.confidence else None,
            **request,
        )
        choice = done.choices[0]
        text, known = well_formed(choice.text), choice.logprobs
        text = text[: min((place for place in map(text.find, stops) if place >= 0), default=len(text))]
        pieces = zip(known.tokens or (), known.token_logprobs or ()) if known else ()
        return Answer(text, tokens=tokens_of(text, pieces), cut=choice.finish_reason == "length")

    async def _chat(self, client: Any, prompt: Prompt, request: dict[str, Any]) -> Answer:
        import openai

        # OpenAI's models want the new name of the limit, other servers may know the old one only.
        request["max_tokens" if self.base_url else "max_completion_tokens"] = self.options.max_new_tokens
        messages = turns_of(prompt.instruction, prompt.examples)
        logprobs = self.options.confidence or None
        thinking = self.options.is_thinking
        switch = {"chat_template_kwargs": {"enable_thinking": thinking, "thinking": thinking}}
        switched = {**request, "extra_body": {**request.get("extra_body", {}), **switch}}
        create = partial(client.chat.completions.create, messages=messages, logprobs=logprobs)
        try:
            done = await create(**(switched if self._has_switch else request))
        except (openai.BadRequestError, openai.UnprocessableEntityError):
            if not self._has_switch:
                raise
            done = await create(**request)
            self._has_switch = False  # not among the parameters that this server knows
        choice = done.choices[0]
        text, known = well_formed(choice.message.content or ""), choice.logprobs
        pieces = ((token.token, token.logprob) for token in known.content or ()) if known else ()
        return Answer(text, tokens=tokens_of(text, pieces), cut=choice.finish_reason == "length")

    def _where(self) -> str:
        return f"the server {self.base_url}" if self.base_url else "OpenAI"

    def _words(self, problem: Exception) -> str:
        """An error in one line, without the key, which some servers repeat."""
        said = str(problem).strip() or type(problem).__name__
        cause = f" ({type(problem.__cause__).__name__})" if problem.__cause__ else ""
        line = f"{type(problem).__name__}: {said.splitlines()[0]}{cause}"
        return (line if self._key == _NO_KEY else line.replace(self._key, "[key]"))[:500]


def _kept(answer: Answer, shape: Keys) -> Answer:
    """The answer if it has the shape, closed if it was cut off; what the server was told, it may have ignored."""
    text = answer.text.strip()
    try:
        text = closed(text, shape) if answer.cut else text
    except ValueError:
        text = ""
    if not fits(text, shape):
        return Answer("", "the server did not keep to the grammar (it must take one, as vLLM and SGLang do)")
    return replace(answer, text=text, tokens=answer.tokens if answer.text.startswith(text) else ())


def _address(base_url: str | None) -> str | None:
    """The address, if it is one, and without a secret in it."""
    address = urlsplit(base_url or "http://api.openai.com")
    if address.scheme not in ("http", "https") or not address.hostname:
        raise TrainerError(f"base_url={base_url!r} is no address (such as http://localhost:8000/v1)")
    if address.username or address.password:
        raise TrainerError("the address names a user or a password (give it by OPENAI_API_KEY, it is kept nowhere)")
    return base_url
