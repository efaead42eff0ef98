"""Other people's annotations ⇄ records: CoNLL, brat, Label Studio, doccano, spaCy and others, told by their content.

>>> from pathlib import Path
>>> from tempfile import mkdtemp
>>> folder = Path(mkdtemp())
>>> _ = write([{"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}], folder / "a.conll", "conll")
>>> print((folder / "a.conll").read_text())
# text = In Ulm
In   O
Ulm  B-city
>>> next(read(folder / "a.conll"))
{'text': 'In Ulm', 'entity': [{'entity': 'Ulm', 'entity_type': 'city', 'start': 3, 'end': 6}]}
"""

from .document import Loss
from .reading import read
from .registry import FORMATS, WRITERS
from .writing import write

__all__ = ["FORMATS", "WRITERS", "Loss", "read", "write"]
