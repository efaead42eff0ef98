"""The page: extract from a text, score a file of answers, browse a corpus, import annotations.

`page` (the four tabs, served), `extract`, `score`, `browse` and `importing` (a tab each: what it shows and what its
buttons do), `api` (the same for programs), `schema_input` (what a visitor types → a schema), `session` (the model,
loaded when it is first asked; questions and answers about one text), `records` (the records of a corpus), `highlight`
(a text in pieces, by what covers them), `render` (results → HTML, by the templates beside it).

Importing this package is cheap: gradio, torch and matplotlib are imported by the functions that use them.
"""

from .page import PageOptions, serve

__all__ = ["PageOptions", "serve"]
