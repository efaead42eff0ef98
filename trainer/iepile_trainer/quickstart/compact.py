"""The loss of answers alone: on a CPU it is most of a small model's training time otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def answers_only() -> Iterator[None]:
    """Let TRL project only the tokens that are learnt onto the vocabulary, as it does on a GPU.

    The loss is the same. TRL asks whether it runs on Triton, because some other accelerators compile anew for
    each size; a CPU does not. Where TRL no longer asks, this changes nothing.
    """
    from trl.trainer import utils

    asked = getattr(utils, "_use_triton", None)
    if asked is None:
        yield
        return
    utils._use_triton = lambda device: True
    try:
        yield
    finally:
        utils._use_triton = asked
