"""The model as a server: text and schema in, results with their places out, as JSON over HTTP.

`requests` (a request's JSON → documents, within limits), `batcher` (documents of many requests → one batch for the
model), `application` (the addresses, how large and how slow a body may be, and what is said where something is wrong),
`access` (keys, hosts, what is counted and logged), `connections` (clients that say nothing),
`run` (the process: port, model, signals), `arguments` (its options), `client` (asks such a server).

Importing this package is cheap: FastAPI, uvicorn and torch are imported when a server starts.
"""

from .run import command, main

__all__ = ["command", "main"]
