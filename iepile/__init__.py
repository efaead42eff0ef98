"""Schema-based information extraction, native to the Hugging Face Hub.

Importing it teaches two names:

>>> import iepile
>>> from datasets import load_dataset
>>> row = load_dataset("iepile", "ner", split="train[:1]")[0]
>>> sorted(row)
['id', 'instruction', 'label', 'language', 'output', 'source', 'task']
"""

from importlib.metadata import version

__version__ = version("iepile")

from .register import register

__all__ = ["__version__", "register"]

register()
