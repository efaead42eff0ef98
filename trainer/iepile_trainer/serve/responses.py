"""What the server says, for its OpenAPI page; the JSON itself is `Extraction.as_dict`."""

from typing import Any, get_type_hints

from pydantic import BaseModel, create_model

from ..extraction import results

_HIDDEN = ("minimum", "results")


def _model(kind: type, words: str = "", **fields: Any) -> Any:
    """A class of results as its JSON is, some fields with types of their own."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in _HIDDEN} | fields
    words = words or str(kind.__doc__).partition("\n")[0]
    model: Any = create_model  # a checker of types cannot know the fields
    return model(kind.__name__, __doc__=words, **{name: (hint, ...) for name, hint in hints.items()})


_PLACE = "`text[start:end]` is it, in characters (code points); null where it is not in the text."
_list: Any = list  # of types that a checker does not know
Mention = _model(results.Mention, f"A piece of the text; {_PLACE}")
Relation = _model(results.Relation, head=Mention, tail=Mention)
Event = _model(results.Event, trigger=Mention | None, arguments=_list[Mention])
Extraction = _model(results.Extraction, extractions=_list[Mention | Relation | Event])


class Error(BaseModel):
    """What is wrong, and the key of the request that is to blame, if one is."""

    error: str
    field: str | None


class Health(BaseModel):
    """The model and how busy it is; texts that wait, texts and batches answered, seconds since the start."""

    status: str
    model: str
    adapter: str | None
    backend: str
    constrain: str
    waiting: int
    answered: int
    batches: int
    uptime: float
