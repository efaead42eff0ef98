"""The user's own words in place of the instruction, for models that were not trained on it."""

import json
import re

from iepile_dataset import DataError
from iepile_dataset.bounded import read_small

from ..errors import TrainerError

__all__ = ["filled", "read_template"]

_PLACES = ("schema", "input")
_PLACE = re.compile(r"\{(instruction|schema|input)\}")


def read_template(path: str) -> str:
    """A file of text with `{schema}` and `{input}` in it, and `{instruction}` where it is wanted.

    Raises:
        TrainerError: There is no such file, or a place is missing.
    """
    try:
        text = read_small(path).decode("utf-8")
    except OSError as problem:
        raise TrainerError(f"{path}: {problem.strerror or problem} (wanted a file of text)") from None
    except DataError as problem:
        raise TrainerError(str(problem)) from None
    except UnicodeDecodeError as problem:
        raise TrainerError(f"{path}: {problem} (wanted a file of text, UTF-8)") from None
    for name in _PLACES:
        if name not in _PLACE.findall(text):
            raise TrainerError(f"{path}: no {{{name}}} in it, where the question's own stands (add it)")
    return text


def filled(template: str, instruction: str) -> str:
    """The template with what an instruction asks; other braces stay as they are.

    >>> asked = '{"instruction": "", "schema": ["a"], "input": "{schema}"}'
    >>> filled('Find {schema} in "{input}" as {"label": []}.', asked)
    'Find ["a"] in "{schema}" as {"label": []}.'
    """
    parts = json.loads(instruction)
    parts["schema"] = json.dumps(parts["schema"], ensure_ascii=False)
    return _PLACE.sub(lambda place: parts[place[1]], template)
