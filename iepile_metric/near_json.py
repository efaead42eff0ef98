"""Text that is nearly JSON → its value, token by token: what is read are the text's own strings, or nothing.

Python literals, unquoted keys, curly and full-width punctuation, comments and stray commas have one meaning each, and
the table of tokens says which. Nothing is guessed: where quotation marks or brackets do not go together, the text is
refused, since a repair would join strings or lose some. Work is linear in the length of the text.
"""

import json
import re
from json.encoder import encode_basestring as quote
from typing import Any

from .repairs import (
    BROKEN,
    COMMAS,
    COMMENTS,
    CUT_OFF,
    DUPLICATES,
    ESCAPES,
    PUNCTUATION,
    QUOTES,
    TOO_DEEP,
    UNQUOTED,
    Unparseable,
)

MAX_DEPTH = 48

MARKS = dict(zip("{}[](),:;｛｝［］（），：；、【】", "{}[][],:,{}[][],:,,[]"))
"""Structural characters → those of JSON; round brackets are Python's tuples."""

LITERALS = {"true": "true", "false": "false"} | dict.fromkeys(
    ("null", "none", "nil", "nan", "undefined", "n/a", "无", "没有"), "null"
)
"""Words that are values without quotation marks, in small letters."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<json>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")
    |(?P<mark>[{}\[\](),:;｛｝［］（），：；、【】])
    |(?P<string>"(?:[^"\\]|\\.){0,9999}+"
        |'(?:[^'\\]|\\.|(?<=\w)'(?=\w|\s{1,9}\w)|(?<=\s)'(?=\s)){0,9999}+'  # an apostrophe is no end
        |“(?:[^“”\\]|\\.|“[^“”]{0,999}”){0,9999}+”
        |”[^“”]{0,9999}+”
        |‘(?:[^‘’\\]|\\.|(?<=\w)’(?=\w|\s{1,9}\w)|(?<=\s)’(?=\s)){0,9999}+’
        |„[^“”]{0,9999}+[“”]|＂[^＂]{0,9999}+＂|「[^「」]{0,9999}+」|『[^『』]{0,9999}+』|«[^«»]{0,9999}+»)
    |(?P<comment>//[^\n]*|\#[^\n]*|/\*.{0,999}?\*/)
    |(?P<word>[^\s"'“”‘’„＂「『«{}\[\](),:;｛｝［］（），：；、【】]+
        (?:[ \t]+(?!//|/\*|\#)[^\s"'“”‘’„＂「『«{}\[\](),:;｛｝［］（），：；、【】]+)*)
    |(?P<cut>["'“‘„＂「『«][^\]}］｝\n]*(?=\s*(?:```\s*)?\Z))""",
    re.DOTALL | re.VERBOSE,
)
_CLOSED_BY = {"{": "}", "[": "]"}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SPECIAL = re.compile(
    r"""\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8})|(.))|["\x00-\x1f]""", re.S
)
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?\Z")


class NotJSON(Unparseable):
    """What stands at a bracket is no JSON, nor nearly.

    Attributes:
        end: Where it went wrong.
        is_prose: Whether that is at once, so that the bracket is one of a sentence.
    """

    def __init__(self, end: int, is_prose: bool = False, reason: str = BROKEN) -> None:
        super().__init__(reason)
        self.end, self.is_prose = end, is_prose


class Decoder:
    """Decodes the values of one text.

    >>> decode = Decoder()
    >>> decode("{'person': ['Ada', 'Bo',], place: None}  # done", 0)[0]
    {'person': ['Ada', 'Bo'], 'place': None}
    >>> decode("｛“人物”：［“张三”、“李四”］｝", 0)[0]
    {'人物': ['张三', '李四']}
    >>> decode('{"born in": [{"subject": "Ada", "object": "Lon', 0)
    ({'born in': [{'subject': 'Ada', 'object': 'Lon'}]}, 46, {'cut off'})
    """

    def __init__(self) -> None:
        self._decode = json.JSONDecoder(object_pairs_hook=self._object).raw_decode
        self._is_repeated = False

    def __call__(self, text: str, start: int) -> tuple[Any, int, set[str]]:
        """Decode the value that begins with a bracket.

        Returns:
            The value, where it ends, and the kinds of repair, of `repairs.REPAIRS`.

        Raises:
            NotJSON: it is neither JSON nor near it.
        """
        self._is_repeated = False
        try:
            value, end = self._decode(text, start)
            kinds: set[str] = set()
        except (ValueError, RecursionError):
            scan = Scan(text, start)
            end, kinds = scan.end, scan.kinds
            self._is_repeated = False
            try:
                value, _ = self._decode("".join(scan.out), 0)
            except (ValueError, RecursionError):
                raise NotJSON(end) from None
        return value, end, kinds | {DUPLICATES} if self._is_repeated else kinds

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) == len(pairs):
            return values
        self._is_repeated = True
        return _united(pairs)


def _united(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object in which the values of a repeated key stand together."""
    values: dict[str, Any] = {}
    lists: set[str] = set()
    for key, value in pairs:
        if key not in values:
            values[key] = value
        elif isinstance(values[key], dict) and isinstance(value, dict):
            values[key] = values[key] | value
        else:
            if key not in lists:
                lists.add(key)
                values[key] = list(values[key]) if isinstance(values[key], list) else [values[key]]
            values[key] += value if isinstance(value, list) else [value]
    return values


class Scan:
    """One walk over the tokens: `out` is the same value as JSON, `end` where the walk stopped."""

    def __init__(self, text: str, start: int) -> None:
        self.out: list[str] = []
        self.kinds: set[str] = set()
        self.end = start
        self._closing: list[str] = []
        self._before = ":"  # what stands before: an opening bracket, "," or ":", "key" or "value"
        self._gap = False
        position = start
        while match := _TOKEN.match(text, position):
            kind, position = match.lastgroup, match.end()
            if kind == "space":
                self._gap = True
                continue
            self.end = position
            if kind == "word" and match.group().startswith("```"):
                break
            self._take(str(kind), match.group(), position == len(text))
            if not self._closing:
                return
            self._gap = False
        if text[position:].strip() and not text.startswith("```", match.start() if match else position):
            self._fail(is_unclosed=True)  # quotation marks, or they stand in a word
        self._cut_off()

    def _fail(self, is_unclosed: bool = False) -> None:
        is_prose = len(self.out) < 2 or (len(self.out) == 2 and self._before == "key")
        raise NotJSON(self.end, is_prose and not is_unclosed)

    def _take(self, kind: str, token: str, is_last: bool) -> None:
        if kind == "json":
            self._string(token)
        elif kind == "mark":
            mark = MARKS[token]
            if mark != token:
                self.kinds.add(PUNCTUATION)
            self._mark(mark)
        elif kind == "string":
            self.kinds.add(ESCAPES if token[0] == '"' else QUOTES)
            self._string(_json_string(token[1:-1]))
        elif kind == "comment":
            if self._before == "value" and not self._gap:
                self._fail()
            self.kinds.add(COMMENTS)
        elif kind == "word":
            self._word(token, is_last)
        elif self._closing[-1] == "}" and self._before in "{,":  # half a key
            self._before = ","
        else:
            self._string(_json_string(_HALF_ESCAPE.sub("", token[1:])))

    def _string(self, token: str) -> None:
        if self._before == "value" and self._gap and self.out[-1][-1] == '"':
            self._comma_missing()
        if self._before == "value" or self._before == "key":
            self._fail()
        is_key = self._closing[-1] == "}" and self._before != ":"
        self._before = "key" if is_key else "value"
        self.out.append(token)

    def _comma_missing(self) -> None:
        self.kinds.add(COMMAS)
        self.out.append(",")
        self._before = ","

    def _word(self, token: str, is_last: bool) -> None:
        if self._closing[-1] == "}" and self._before in ("{", ","):
            self.kinds.add(UNQUOTED)
            self._string(quote(token))
            return
        literal = token if _NUMBER.fullmatch(token) else LITERALS.get(token.casefold())
        is_begun = any(word.startswith(token.casefold()) for word in LITERALS)
        if literal is None and is_last and is_begun and self._before != "value" and len(self.out) > 1:  # half a word
            return
        if literal is None or self._before in ("value", "key"):
            self._fail()
        if literal != token:
            self.kinds.add(UNQUOTED)
        self._before = "value"
        self.out.append(str(literal))

    def _mark(self, mark: str) -> None:
        if mark in "{[":
            if self._before == "value" and self._gap and self._closing[-1] == "]":
                self._comma_missing()
            if self._before in ("value", "key") or (self._before in "{," and self._closing[-1] == "}"):
                self._fail()
            self._closing.append(_CLOSED_BY[mark])
            if len(self._closing) > MAX_DEPTH:
                raise NotJSON(self.end, reason=TOO_DEEP)
            self._before = mark
        elif mark == ":":
            if self._before != "key":
                self._fail()
            self._before = ":"
        elif mark == ",":
            if self._before != "value":
                if self._before in ("key", ":"):
                    self._fail()
                self.kinds.add(COMMAS)  # one too many
                return
            self._before = ","
        else:
            if mark != self._closing[-1] or self._before in ("key", ":"):
                self._fail()
            if self._before == ",":
                self.kinds.add(COMMAS)
                self.out.pop()
            self._closing.pop()
            self._before = "value"
        self.out.append(mark)

    def _cut_off(self) -> None:
        """Close what is open; a comment may have hidden the end."""
        if len(self.out) < 2 or COMMENTS in self.kinds:
            self._fail()
        if self._before == ":":
            self.out.append("null")
        else:
            if self._before == "key":
                self.out.pop()
            if self.out[-1] == ",":
                self.out.pop()
        self.out.extend(reversed(self._closing))
        self.kinds.add(CUT_OFF)


def _json_string(content: str) -> str:
    return f'"{_SPECIAL.sub(_escape, content)}"'


def _escape(match: re.Match[str]) -> str:
    known, byte, code, other = match.groups()
    if known:
        return match.group()
    if byte:
        return f"\\u00{byte}"
    if code:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else "\ufffd"
    if other:  # an apostrophe, or a backslash of the text
        return other if other in "'“”‘’" else f"\\\\{quote(other)[1:-1]}"
    return quote(match.group())[1:-1]
