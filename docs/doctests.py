"""Examples in docstrings as blocks of code: Markdown would take `>>>` for three quotations."""

import re
from typing import Any

import griffe

# From the first prompt to the next empty line that no further prompt follows.
_EXAMPLE = re.compile(r"^( *)>>> .*(?:\n(?!\s*\n).*)*(?:\n\n *>>> .*(?:\n(?!\s*\n).*)*)*", re.M)


class Doctests(griffe.Extension):
    """Fences doctests."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Fence the examples of a docstring."""
        if obj.docstring:
            obj.docstring.value = _EXAMPLE.sub(r"\1```pycon\n\g<0>\n\1```", obj.docstring.value)
