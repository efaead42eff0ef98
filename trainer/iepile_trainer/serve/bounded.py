"""How large a request may be, and how long its sending may take."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READ_ON = 16  # times the limit that are read and thrown away, so that a client gets to read why it is refused


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
