"""What can be odd about an answer: the kinds of repair, and why one cannot be read."""

__all__ = ["CUT_OFF", "NOT_ASKED", "REFUSALS", "REPAIRS", "Unparseable"]

FENCED = "fenced"
SURROUNDED = "text around it"
THOUGHT = "thought before it"
DRAFT = "draft before it"
LINES = "one object a line"
WRAPPED = "wrapped"
FLAT = "flat list"
SHAPE = "other shape"
NO_FINDING = "words for nothing"
CUT_OFF = "cut off"
DUPLICATES = "duplicate keys"

QUOTES = "other quotation marks"
PUNCTUATION = "other punctuation"
UNQUOTED = "unquoted words"
COMMAS = "commas"
COMMENTS = "comments"
ESCAPES = "control characters or escapes"
NEAR_JSON = (QUOTES, PUNCTUATION, UNQUOTED, COMMAS, COMMENTS, ESCAPES)
"""What makes a text near JSON."""

REPAIRS = (
    *(FENCED, SURROUNDED, THOUGHT, DRAFT, LINES, WRAPPED, FLAT, SHAPE, NO_FINDING, CUT_OFF, DUPLICATES),
    *NEAR_JSON,
)

EMPTY = "empty"
NO_OBJECT = "no JSON object"
BROKEN = "broken JSON"
TOO_DEEP = "nested too deep"
TOO_LONG = "too long"
NOT_STRICT = "needs repair"
ONLY_THOUGHT = "thought without an answer"
NOT_ASKED = "nothing that was asked"
AMBIGUOUS = "several objects, and which was asked is not known"
REFUSALS = (EMPTY, NO_OBJECT, BROKEN, TOO_DEEP, TOO_LONG, NOT_STRICT, ONLY_THOUGHT, NOT_ASKED, AMBIGUOUS)


class Unparseable(ValueError):
    """The text holds no answer; the message is one of `REFUSALS`."""
