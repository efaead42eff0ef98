"""The model as a server: text and schema in, results with their places out, as JSON over HTTP.

`requests` (a request's JSON → documents, within limits), `batcher` (documents of many requests → one batch for the
model), `application` (the addresses, and what is said where something is wrong), `bounded` (how large and how slow a
body may be), `run` (the process: port, model, signals), `arguments` (what it can be told).

Importing this package is cheap: FastAPI, uvicorn and torch are imported when a server starts.
"""

from .run import command, main

__all__ = ["command", "main"]
