"""What the server says, for its OpenAPI page; the JSON itself is `Extraction.as_dict`."""

from pydantic import BaseModel


class Mention(BaseModel):
    """A piece of the text; `text[start:end]` is it, in characters (code points); null where it is not in the text."""

    label: str
    text: str
    start: int | None
    end: int | None
    confidence: float | None


class Relation(BaseModel):
    """Two mentions and what connects them."""

    label: str
    head: Mention
    tail: Mention
    confidence: float | None


class Event(BaseModel):
    """What happened, the word that says so, and who took part; the label of an argument is its role."""

    label: str
    trigger: Mention | None
    arguments: list[Mention]
    confidence: float | None


class Found(BaseModel):
    """The results for one text, the model's answers, and what of them was left out and why."""

    text: str
    task: str
    language: str
    extractions: list[Mention | Relation | Event]
    raw: list[str]
    error: str | None
    lost: list[str]


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
