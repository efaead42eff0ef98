"""An adapter into its base: one model that every tool can load."""

from pathlib import Path
from typing import Any

from ..errors import TrainerError, first_line

__all__ = ["merge"]


def merge(
    run: Path | str, out: Path | str, base: str | None = None, dtype: str = "auto", overwrite: bool = False
) -> dict[str, Any]:
    """Write the model that an adapter and its base are together.

    An adapter that was trained on a base of 4 or 8 bits has learnt to make up for the rounding. Its base is
    quantised as it was in training, written out again as whole weights, and merged then: the result answers as the
    trained model did. With `base` given, the adapter goes onto those weights as they are.

    Args:
        run: The folder or Hub id of an adapter.
        out: The folder to write: weights (safetensors), tokenizer with its chat template, `run.json`, card.
        base: Another place of the adapter's base, or its whole weights where the adapter names quantised ones.
        dtype: `auto` keeps the base's; or a torch dtype's name. The products of a merge are float32 in any case.
        overwrite: Replace the run that is in `out`.

    Returns:
        The record, as written to `out`: that of the run with `method` "merged" and what was merged in `merged`.

    Raises:
        TrainerError: `run` is no adapter, its base is another model or quantised itself, or `out` is in use.
    """
    from iepile_cards import write_model_card

    from ..run_folder import clear, is_finished, read_run, saving, write_run
    from .load import load_tokenizer
    from .location import base_and_adapter

    out = Path(out)
    path, adapter = base_and_adapter(base or str(run), str(run) if base else None)
    if adapter is None:
        raise TrainerError(f"{run} is no adapter (it has no adapter_config.json): there is nothing to merge")
    if out.is_dir() and any(out.iterdir()) and not (overwrite and is_finished(out)):
        raise TrainerError(f"{out} is in use (give another --out{', or --overwrite' if is_finished(out) else ''})")
    record = read_run(run) if is_finished(run) else {}
    trained = {} if base else record.get("options") or {}
    model, tokenizer = _merged(path, adapter, trained, dtype), load_tokenizer(path, adapter)
    clear(out)
    with saving(out):
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)
    merged = {
        "adapter": adapter,
        "base": path,
        "dtype": str(model.dtype).removeprefix("torch."),
        "from_bits": trained.get("bits"),
    }
    old = {key: value for key, value in record.items() if key not in ("name", "created", "versions")}
    write_run(out, {**old, "base_model": path, "method": "merged", "merged": merged})
    write_model_card(out)
    return read_run(out)


def _merged(base: str, adapter: str, trained: dict[str, Any], dtype: str) -> Any:
    """The base, quantised as it was trained and written out again, with the adapter in it."""
    import torch

    from .load import FORM, quantisation, read_weights, with_adapter
    from .precision import FLOAT32

    _refuse_quantised(base)
    options: dict[str, Any] = {"dtype": dtype if dtype == "auto" else getattr(torch, dtype)}
    if bits := trained.get("bits"):  # nothing is computed in them: they are written out again
        form = {name: trained[name] for name in FORM if name in trained}
        options["quantization_config"] = quantisation(bits, FLOAT32, form)
    model = read_weights(base, **options)
    model = with_adapter(model.dequantize() if bits else model, adapter)
    try:
        return model.merge_and_unload(safe_merge=True)
    except ValueError as problem:  # weights that are no numbers
        raise TrainerError(f"cannot merge {adapter} into {base}: {first_line(problem)}") from None


def _refuse_quantised(base: str) -> None:
    from .load import config_of

    try:
        how = getattr(config_of(base), "quantization_config", None)
    except TrainerError as problem:
        raise TrainerError(f"{problem} (say where the base is with --base)") from None
    if how:
        kind = how.get("quant_method", "quantised") if isinstance(how, dict) else how.quant_method
        raise TrainerError(
            f"the base {base} is quantised itself ({kind}): weights of few bits take no merge without loss (give the "
            "whole model with --base)"
        )
