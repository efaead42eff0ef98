"""How a trainer of transformers gets its rows: each once an epoch, on any number of processes."""

from dataclasses import dataclass
from typing import Any

from ..tokenization.length_report import LengthReport
from .estimate import Plan, plan
from .sampler import Follow, Order, draws_of, ready
from .stream import Passes


@dataclass(frozen=True)
class Feed:
    """Encoded rows on their way into a trainer.

    Attributes:
        rows: What the trainer is given: the rows of all draws, packed and filled up; of a stream its first draw.
        passes: The stream as it is read; None for a dataset.
        draws: How many draws of the labels stand behind each other in `rows`.
    """

    rows: Any
    passes: Passes | None
    draws: int

    @classmethod
    def of(cls, encoded: Any, config: Any, filler: int) -> "Feed":
        """From what `encode.encode` gave; `filler` is the token of blank rows."""
        if isinstance(encoded, list):
            return cls(encoded[0], Passes(encoded, config, filler), 1)
        return cls(ready(encoded, config, filler), None, draws_of(encoded))

    def plan(self, lengths: LengthReport, config: Any, model: Any, **options: Any) -> Plan:
        """What the training will take."""
        longest = min(lengths.percentiles["100%"], config.max_length or lengths.percentiles["100%"])
        if getattr(config, "packing", False):
            longest = config.max_length
        if self.passes is not None:
            return plan(config, model, None, lengths.tokens, longest, max(lengths.kept, 1), **options)
        rows = len(self.rows) // self.draws
        return plan(config, model, rows, lengths.tokens // self.draws, longest, rows, **options)

    def read(self, data: Any) -> dict[str, Any]:
        """What a stream turned out to hold, for the record; nothing for a dataset, which is known beforehand."""
        if self.passes is None:
            return {}
        from accelerate.utils import gather_object

        from ..data.load import manifest

        tally = self.passes.read(gather_object)
        return {"data": manifest(tally.sources, data, data.train_split), "lengths": tally.report().as_dict()}


def told(
    feed: Feed,
    lengths: LengthReport,
    sources: list[dict[str, Any]],
    config: Any,
    model: Any,
    sharing: tuple[int, int, int] = (1, 1, 1),
    bits: int | None = None,
    held: LengthReport | None = None,
) -> dict[str, Any]:
    """The report before a training, printed by the first process and returned for the run's record.

    Args:
        feed: The rows.
        lengths: What became of them.
        sources: What they are, see `load.manifest`.
        config: A `trl.SFTConfig`.
        model: The model, with its adapter.
        sharing: As for `estimate.plan`.
        bits: As for `estimate.plan`.
        held: What became of the rows for evaluation.
    """
    planned = feed.plan(lengths, config, model, shards=sharing, bits=bits)
    if config.process_index == 0:
        print(lengths)
        for entry in sources:
            rows = ", ".join(f"{name or 'no source'} {count:,}" for name, count in entry["rows_by_source"].items())
            print(f"{entry['config']}: rows {entry['rows']:,}, tokens {entry['tokens']:,} ({rows})")
        if held is not None:
            print(f"evaluation {held}".partition("\n")[0])
        print(planned, flush=True)
    return {"data": sources, "lengths": lengths.as_dict(), "plan": planned.as_dict()}


class Fed:
    """Stands before a trainer of transformers among the base classes.

    Attributes:
        passes: Where rows come from in place of `train_dataset`, for a stream.
        draws: How many draws of the labels `train_dataset` holds behind each other.
        record_ids: File for the ids of the rows that this process trains on.
    """

    args: Any
    train_dataset: Any
    passes: Passes | None = None
    draws: int = 1
    record_ids: str | None = None

    def get_train_dataloader(self) -> Any:
        """Batches of this process."""
        if self.passes is None:
            return super().get_train_dataloader()  # type: ignore[misc]
        from accelerate.data_loader import prepare_data_loader
        from torch.utils.data import DataLoader

        loader = DataLoader(
            self.passes,
            batch_size=self.args.train_batch_size,
            collate_fn=self.data_collator,  # type: ignore[attr-defined]
            pin_memory=self.args.dataloader_pin_memory,
        )
        # One process, as far as accelerate is concerned: the rows are this process's own already.
        return prepare_data_loader(
            loader, self.args.device, num_processes=1, process_index=0, put_on_device=True, dispatch_batches=False
        )

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        how = str(getattr(self.args.train_sampling_strategy, "value", self.args.train_sampling_strategy))
        if how not in ("random", "group_by_length"):
            return super()._get_train_sampler(train_dataset)  # type: ignore[misc]
        together = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        by_length = how == "group_by_length" and not getattr(self.args, "packing", False)
        order = Order(self.train_dataset["length"][:], together, self.args.seed, by_length, self.draws)
        self.add_callback(Follow(order))  # type: ignore[attr-defined]
        return order

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """One batch; its ids are written down first."""
        ids = inputs.pop("ids", None)
        if ids and self.record_ids:
            with open(self.record_ids, "a", encoding="utf-8") as file:
                file.writelines(f"{id}\n" for id in ids)
        return super().training_step(model, inputs, *args, **kwargs)  # type: ignore[misc]

    def _prepare_inputs(self, inputs: dict[str, Any]) -> Any:
        return super()._prepare_inputs({k: v for k, v in inputs.items() if k != "ids"})  # type: ignore[misc]
