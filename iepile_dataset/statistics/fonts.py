"""Which fonts draw Chinese names here, and what to write where none does."""

from functools import cache

from ..errors import DataError

__all__ = ["families"]

LATIN = "DejaVu Sans"  # comes with matplotlib
CHINESE = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
    "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Arial Unicode MS",
)  # fmt: skip


def families(chinese: tuple[str, ...] = CHINESE) -> list[str]:
    """The font families to draw with: the usual one, and for what it lacks the first Chinese one that is installed.

    Raises:
        DataError: matplotlib is not installed.

    >>> families(chinese=())
    ['DejaVu Sans']
    """
    try:
        from matplotlib import font_manager
    except ImportError as error:
        remedy = 'pip install "iepile[train]", or leave --out away for the numbers alone'
        raise DataError(f"pictures need matplotlib: {error} ({remedy})") from None
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [LATIN, *[name for name in chinese if name in installed][:1]]


def drawable(text: str, fonts: list[str]) -> bool:
    """Whether the fonts have a glyph for each letter.

    >>> drawable("city news", ["DejaVu Sans"]), drawable("城市新闻", ["DejaVu Sans"])
    (True, False)
    """
    return all(any(ord(letter) in _letters(font) for font in fonts) for letter in text)


@cache
def _letters(font: str) -> frozenset[int]:
    from matplotlib import font_manager, ft2font

    return frozenset(ft2font.FT2Font(font_manager.findfont(font)).get_charmap())
