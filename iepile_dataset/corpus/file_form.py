"""Files in another form than UTF-8 JSON lines: what is wrong with them, and the remedy, in one function's words."""

__all__ = ["BOM", "FormError", "wrong_form"]

BOM = b"\xef\xbb\xbf"


class FormError(ValueError):
    """A file, or a line of it, is in another form.

    Attributes:
        reason: What it is.
        remedy: What to do.
        is_whole: Whether that holds for the whole file.
    """

    def __init__(self, reason: str, remedy: str, is_whole: bool) -> None:
        super().__init__(f"{reason} ({remedy})")
        self.reason, self.remedy, self.is_whole = reason, remedy, is_whole


def wrong_form(beginning: bytes, is_first: bool = True) -> FormError | None:
    """Tell the form of bytes that are no JSON object.

    Args:
        beginning: A line, or more of the beginning of a file.
        is_first: Whether the file begins with it.

    Returns:
        None where nothing is wrong but the JSON itself.

    >>> str(wrong_form('{"text": "Ada"}'.encode("utf-16")))
    'the file is UTF-16 (save it as UTF-8: iconv -f UTF-16 -t UTF-8)'
    >>> str(wrong_form('{"text": "张三"}'.encode("gbk"), is_first=False))
    'not UTF-8, but probably GBK (save it as UTF-8: iconv -f GB18030 -t UTF-8)'
    >>> str(wrong_form(b'[{"text": "Ada"},'))
    "the file is one JSON array (write one JSON object a line (jq -c '.[]'))"
    """
    if is_first and (beginning.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in beginning[:2]):
        return FormError("the file is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8", is_whole=True)
    if is_first and beginning.removeprefix(BOM).lstrip().startswith(b"["):
        return FormError("the file is one JSON array", "write one JSON object a line (jq -c '.[]')", is_whole=True)
    if is_first and b"\n" not in beginning.rstrip(b"\n") and beginning.rstrip(b"\n").count(b"}\r{"):
        return FormError("lines end in a carriage return alone", "write line feeds: tr '\\r' '\\n'", is_whole=True)
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end >= len(beginning) and error.reason == "unexpected end of data":
            return None  # cut in a character
        try:
            beginning.decode("gb18030")
        except UnicodeDecodeError:
            return FormError("not UTF-8", "save it as UTF-8", is_whole=False)
        return FormError("not UTF-8, but probably GBK", "save it as UTF-8: iconv -f GB18030 -t UTF-8", is_whole=False)
    return None
