"""Several processes of one command, as `accelerate launch` or `torchrun` start them."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Process:
    """Which of how many this one is; alone unless a launcher says otherwise."""

    rank: int = 0
    count: int = 1
    state: Any = None

    def first_alone(self) -> AbstractContextManager[Any]:
        """The first process goes through the block before the others enter it."""
        return self.state.main_process_first() if self.state else nullcontext()


def this_process() -> Process:
    """This process among those of its command; it takes its own GPU, where there are GPUs.

    >>> this_process().count
    1
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return Process()
    import torch
    from accelerate import PartialState

    # Without being told, it takes several processes without a GPU for one each.
    state = PartialState(cpu=not torch.cuda.is_available())
    return Process(state.process_index, state.num_processes, state)
