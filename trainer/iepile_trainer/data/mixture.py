"""How many rows of each source enter an epoch: weights, and a cap.

`{"ner": 2, "ner/wnut17": 0.5}`, on the command line `--mix ner=2 ner/wnut17=0.5`: each row of NER twice, those of
wnut17 only half of them, once. A row's weight is that of the most specific entry that names it (task/source, then
source, then task), 1 where none does. Weight 2.5 means every row twice and a drawn half of them a third time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from iepile_dataset.errors import did_you_mean

from ..errors import TrainerError


@dataclass(frozen=True)
class Mix:
    """Weights by name.

    >>> mix = Mix.of(["ner=2", "ner/wnut17=0.5"])
    >>> mix.weight("NER", "conll"), mix.weight("NER", "wnut17"), mix.weight("RE", "conll")
    (2.0, 0.5, 1.0)
    """

    weights: Mapping[str, float]

    @classmethod
    def of(cls, given: Sequence[str] | None) -> "Mix":
        """Read `name=weight` entries.

        Raises:
            TrainerError: An entry is not of that form.

        >>> Mix.of(["ner=twice"])
        Traceback (most recent call last):
        iepile_trainer.TrainerError: mix ner=twice: 'twice' is no weight (a number from 0, as in ner=2 re=0.5)
        """
        weights = {}
        for entry in given or ():
            name, _, value = str(entry).rpartition("=")
            try:
                weights[name] = float(value)
                if not name or not 0 <= weights[name] < 1000:
                    raise ValueError
            except ValueError:
                raise TrainerError(
                    f"mix {entry}: {value!r} is no weight (a number from 0, as in ner=2 re=0.5)"
                ) from None
        return cls(weights)

    @property
    def tasks(self) -> set[str]:
        """The tasks that entries name, alone or before a source."""
        from iepile_dataset.tasks import TASKS

        return {name.partition("/")[0].lower() for name in self.weights} & set(TASKS)

    def weight(self, task: str, source: str) -> float:
        """How often a row of a source enters an epoch."""
        for name in (f"{task.lower()}/{source}", source, task.lower()):
            if name in self.weights:
                return self.weights[name]
        return 1.0

    def check(self, there: Sequence[tuple[str, str]]) -> None:
        """Refuse names of which there are no rows.

        Raises:
            TrainerError: Names the nearest that there are.

        >>> Mix.of(["ner=1", "wnut=2"]).check([("NER", "wnut17")])
        Traceback (most recent call last):
        iepile_trainer.TrainerError: mix wnut=2: no rows of "wnut" (do you mean "wnut17"?)
        """
        known = sorted({name for task, source in there for name in (task.lower(), source, f"{task.lower()}/{source}")})
        for name, weight in self.weights.items():
            if name not in known:
                raise TrainerError(f'mix {name}={weight:g}: no rows of "{name}"{did_you_mean(name, known)}')


def mixed(rows: Any, mix: Mix, max_rows: int | None, seed: int) -> Any:
    """Rows as the weights and the cap say: exact numbers, drawn by the seed.

    Args:
        rows: A `datasets.Dataset` with `task` and `source`.
        mix: The weights.
        max_rows: At most so many different rows of each source of each task; weights count after that.
        seed: Draws what is left out.

    Returns:
        A dataset with `round(weight * rows)` rows of each source, in their order, copies behind each other.

    Raises:
        TrainerError: The mix names what is not there.
    """
    import numpy as np

    if not mix.weights and max_rows is None:
        return rows
    columns = [rows[name][:] if name in rows.column_names else [""] * len(rows) for name in ("task", "source")]
    places: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(zip(*columns)):
        places.setdefault(pair, []).append(place)
    mix.check(list(places))
    chosen: list[int] = []
    for (task, source), its_places in places.items():
        generator = np.random.default_rng(_number(f"{seed} {task} {source}"))
        order = generator.permutation(its_places)[:max_rows]
        whole, rest = divmod(round(mix.weight(task, source) * len(order)), len(order))
        chosen += np.sort(np.concatenate([np.tile(order, whole), order[:rest]]).astype(int)).tolist()
    return rows.select(chosen)


def mixed_stream(rows: Any, mix: Mix, seed: int) -> Any:
    """The same for a stream, where a share is drawn row by row: about so many rows, not exactly."""
    if not mix.weights:
        return rows

    def copies(batch: dict[str, list[str]]) -> dict[str, list[str]]:
        times = []
        for task, source, id, instruction in zip(*(batch[n] for n in ("task", "source", "id", "instruction"))):
            whole, share = divmod(mix.weight(task, source), 1)
            times.append(int(whole) + (_number(f"{seed} {id} {instruction}") < share * 2**64))
        return {name: [v for v, n in zip(values, times) for _ in range(n)] for name, values in batch.items()}

    return rows.map(copies, batched=True, features=rows.features)


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
