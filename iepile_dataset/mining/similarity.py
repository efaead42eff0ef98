"""How alike labels sound: by their letters, or by a sentence encoder where one is installed."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from operator import attrgetter
from typing import Any

import numpy as np

from ..errors import DataError, shown

_SIZES = (2, 3, 4)
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_ENCODERS = {
    # Package, how its model is loaded, and a multilingual model, since labels are English and Chinese.
    "sentence-transformers": (
        "sentence_transformers", "SentenceTransformer", "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
    ),
    "model2vec": ("model2vec", "StaticModel.from_pretrained", "minishlab/potion-multilingual-128M"),
}  # fmt: skip


def similarities(labels: Sequence[str], by: str = "ngrams", model: str | None = None) -> np.ndarray:
    """How alike each two labels are.

    Args:
        labels: Names, in English, Chinese or any script.
        by: `ngrams` compares letters: tf-idf over character 2- to 4-grams within words. `sentence-transformers` and
            `model2vec` compare meanings; their packages are not installed with this one.
        model: Name or folder of an encoder; None takes a small multilingual one.

    Returns:
        A square array of cosines between 0 and 1; negative ones count as 0, and so does the diagonal.

    Raises:
        DataError: The package of `by` is not installed, or the model cannot be loaded.

    >>> similarities(["place of birth", "place of death", "spouse"]).round(2).tolist()
    [[0.0, 0.53, 0.02], [0.53, 0.0, 0.02], [0.02, 0.02, 0.0]]
    """
    if not labels:
        return np.zeros((0, 0))
    vectors = _weights(labels) if by == "ngrams" else np.asarray(_encoder(by, model).encode(list(labels)), dtype=float)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(norms, norms, 1.0)
    cosines = np.clip(vectors @ vectors.T, 0.0, 1.0)
    np.fill_diagonal(cosines, 0.0)
    return cosines


def ngrams(label: str) -> Iterator[str]:
    """The character 2- to 4-grams of a label's words, whose ends are marked by a space.

    `founded_by`, `foundedBy` and `Founded by` have the same.

    >>> list(ngrams("收购"))
    [' 收', '收购', '购 ', ' 收购', '收购 ', ' 收购 ']
    """
    for word in _WORD.findall(_CAMEL.sub(" ", label).casefold()) or [label]:
        marked = f" {word} "
        for size in _SIZES:
            for start in range(len(marked) - size + 1):
                yield marked[start : start + size]


def _weights(labels: Sequence[str]) -> np.ndarray:
    """One row a label, one column an n-gram: its count times 1 + ln((1 + labels) / (1 + labels that have it))."""
    counts = [Counter(ngrams(label)) for label in labels]
    having = Counter(gram for count in counts for gram in count)
    column = {gram: number for number, gram in enumerate(having)}
    weights = np.zeros((len(labels), len(column)))
    for row, count in enumerate(counts):
        for gram, number in count.items():
            weights[row, column[gram]] = number
    rarity = 1 + np.log((1 + len(labels)) / (1 + np.fromiter(having.values(), float)))
    return weights * rarity


@lru_cache(maxsize=1)
def _encoder(by: str, model: str | None) -> Any:
    module, load, usual = _ENCODERS[by]
    try:
        package = import_module(module)
    except ImportError as error:
        raise DataError(f"by={by}: {error} (pip install {by}, or by=ngrams, which needs nothing more)") from None
    try:
        return attrgetter(load)(package)(model or usual)
    except (OSError, ValueError, RuntimeError) as error:
        reason = f"cannot be loaded: {' '.join(str(error).split())[:200]}"
        raise DataError(f"by={by}: model {shown(model or usual)} {reason} (name one of the Hub or a folder)") from None
