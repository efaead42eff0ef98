"""Work on a Ray cluster: the one that `RAY_ADDRESS` names, or one on this machine that ends with the process."""

import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from .errors import DataError

__all__ = ["ray_data", "spread"]

Item = TypeVar("Item")
Made = TypeVar("Made")


def ray_data(cpus: int | None = None) -> Any:
    """Ray's library for data, with a cluster behind it. Nothing is reported to its makers; our own bar is shown.

    Args:
        cpus: Of a cluster on this machine; None for all that it has.

    Raises:
        DataError: Ray is not installed, or the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        raise DataError("engine ray: no module 'ray' (pip install 'iepile[ray]')") from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        alone: dict[str, Any] = {} if address else {"num_cpus": cpus, "include_dashboard": False}
        try:
            ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **alone)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise DataError(f"Ray cannot start at {address or 'this machine'}: {reason} (see RAY_ADDRESS)") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray.data


def spread(function: Callable[[Item], Made], items: Sequence[Item], cpus: int | None = None) -> Iterator[Made]:
    """What a function makes of each item, in their order, wherever in the cluster there is room.

    What a lost worker was at is done again, so that the function must not mind that it was called before.

    Args:
        function: Can be pickled; what it needs is installed on each machine.
        items: Can be pickled.
        cpus: As for `ray_data`.

    Raises:
        DataError: As the function raises it, or `ray_data`.
        OSError: As the function raises it.
    """
    data = ray_data(cpus)
    rows = [{"item": pickle.dumps(item)} for item in items]
    made = data.from_items(rows, override_num_blocks=len(rows)).map(partial(_made, function))
    for row in made.iter_rows():
        one = pickle.loads(row["made"])
        if isinstance(one, DataError | OSError):
            raise one
        yield one


def _made(function: Callable[[Any], Any], row: dict[str, bytes]) -> dict[str, bytes]:
    try:
        made = function(pickle.loads(row["item"]))
    except (DataError, OSError) as error:  # as a value: Ray would log it with all its frames
        made = error
    return {"made": pickle.dumps(made)}
