"""How answers are read and counted, as options."""

from dataclasses import dataclass, field, fields

from .matching import COUNTS, MATCHES

__all__ = ["PARSES", "ScoringOptions"]

PARSES = {
    "lenient": "answers are repaired where their meaning is plain",
    "strict": "an answer that needs any repair is unparseable",
}


@dataclass(frozen=True)
class ScoringOptions:
    """How answers are read and counted; each value is explained in the table of its `choices`.

    Raises:
        ValueError: unknown match, count or parse.
    """

    match: str = field(default="exact", metadata={"help": "When two texts are the same.", "choices": MATCHES})
    count: str = field(
        default="multiset",
        metadata={"help": "Repetitions count as annotated, or each unit once.", "choices": COUNTS},
    )
    parse: str = field(
        default="lenient",
        metadata={"help": "Repair answers where the meaning is plain, or refuse.", "choices": PARSES},
    )

    def __post_init__(self) -> None:
        for option in fields(self):
            value, known = getattr(self, option.name), option.metadata["choices"]
            if value not in known:
                raise ValueError(f"unknown {option.name} {value!r}: choose one of {', '.join(known)}")
