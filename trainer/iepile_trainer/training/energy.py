"""Energy that a training took, measured or not stated: counters of the GPUs (NVML) and the processors (RAPL)."""

import contextlib
from pathlib import Path
from typing import Any

_JOULES = 3.6e6  # in a kilowatt-hour
RAPL = Path("/sys/class/powercap")


class Meter:
    """Reads energy counters and adds up what they advance.

    Every process reads its own GPU; the first one of a machine reads the machine's processors, other work on
    them included. `read` must be called more often than a processor's counter runs over (about an hour).

    Args:
        gpu: Index of the CUDA device of this process, None for none.
        processors: Whether to read the processors' counters.
        powercap: Where Linux keeps those.

    Attributes:
        joules: What was counted so far, by source.
        from_step: The training step at which counting began.
    """

    def __init__(self, gpu: int | None = None, processors: bool = True, powercap: Path = RAPL) -> None:
        self._gpu = None if gpu is None else _nvml_handle(gpu)
        self._zones = _zones(powercap) if processors else []
        self._last: dict[Any, float] = {}
        self.joules: dict[str, float] = {}
        self.from_step = 0
        self.read()

    def read(self) -> None:
        """Take the counters' advance since the last call."""
        if self._gpu is not None:
            self._advance("NVML", "NVML", _nvml_joules(self._gpu), None)
        for zone in self._zones:
            with contextlib.suppress(OSError, ValueError):
                run_over = int((zone / "max_energy_range_uj").read_text()) / 1e6
                self._advance("RAPL", zone, int((zone / "energy_uj").read_text()) / 1e6, run_over)

    def _advance(self, source: str, key: Any, now: float | None, run_over: float | None) -> None:
        if now is None:
            return
        if key in self._last:
            more = now - self._last[key]
            if more < 0 and run_over:
                more += run_over
            self.joules[source] = self.joules.get(source, 0.0) + max(more, 0.0)
        else:
            self.joules.setdefault(source, 0.0)
        self._last[key] = now


def energy(parts: list[dict[str, float]], from_step: int = 0) -> dict[str, Any] | None:
    """What all processes measured together, None where nobody could measure.

    Args:
        parts: `Meter.joules` of every process.
        from_step: The step at which measuring began, which is not the first for a resumed training.

    >>> energy([{"NVML": 1.8e6}, {"NVML": 1.8e6, "RAPL": 0.36e6}])
    {'kwh': 1.1, 'source': 'NVML (GPUs), RAPL (processors, all that ran on them)', 'from_step': 0}
    >>> energy([{}])
    """
    names = {"NVML": "NVML (GPUs)", "RAPL": "RAPL (processors, all that ran on them)"}
    sources = [name for name in names if any(name in part for part in parts)]
    if not sources:
        return None
    kwh = sum(sum(part.values()) for part in parts) / _JOULES
    return {"kwh": round(kwh, 6), "source": ", ".join(names[name] for name in sources), "from_step": from_step}


def metering(meter: Meter) -> Any:
    """A trainer callback that reads the meter with every logged line."""
    from transformers import TrainerCallback

    class Metering(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.from_step = state.global_step

        def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.read()

    return Metering()


def _zones(powercap: Path) -> list[Path]:
    """The processors' packages whose counters may be read (often root alone may)."""
    found = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        if zone.name.count(":") != 1:  # parts of a package are counted in it
            continue
        with contextlib.suppress(OSError, ValueError):
            int((zone / "energy_uj").read_text())
            int((zone / "max_energy_range_uj").read_text())
            found.append(zone)
    return found


def _nvml_handle(gpu: int) -> Any:
    """NVML's handle of a CUDA device; None without NVML or without an energy counter."""
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        uuid = torch.cuda.get_device_properties(gpu).uuid
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:  # not installed, no driver, too old a GPU: all mean that nothing can be measured
        return None
    return handle


def _nvml_joules(handle: Any) -> float | None:
    import pynvml

    try:
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
    except pynvml.NVMLError:
        return None
