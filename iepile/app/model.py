"""The model behind the page: looked for when it is needed, loaded once."""

import re
from pathlib import Path
from threading import Lock

from iepile_trainer.errors import TrainerError
from iepile_trainer.extraction.extractor import Extractor

DEFAULT = "runs/quickstart"

_ON_THE_HUB = re.compile(r"\w[\w.-]*/[\w.-]+")


class Model:
    """A model that is loaded when somebody asks for the first time.

    Args:
        name: A run folder or a Hub id; None takes `DEFAULT`.
        adapter: An adapter on top of it.
        constrain: See `iepile_trainer.engines.EngineOptions`.

    Raises:
        TrainerError: A folder was named that is not there.

    >>> Model("./nowhere")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: ./nowhere: no such run folder (train one, or name a model of the Hub)
    """

    def __init__(self, name: str | None = None, adapter: str | None = None, constrain: str = "none") -> None:
        for place in filter(None, (name, adapter)):
            if not Path(place).exists() and not _ON_THE_HUB.fullmatch(place):
                raise TrainerError(f"{place}: no such run folder (train one, or name a model of the Hub)")
        self.name, self.adapter, self.constrain = name or DEFAULT, adapter, constrain
        self._is_default = name is None
        self._loaded: Extractor | None = None
        self._turn = Lock()

    @property
    def is_missing(self) -> bool:
        """Whether none was named and the default is not there; looked up anew each time."""
        return self._is_default and self._loaded is None and not (Path(DEFAULT) / "config.json").is_file()

    @property
    def is_loaded(self) -> bool:
        """Whether it is in memory."""
        return self._loaded is not None

    def extractor(self) -> Extractor:
        """The model, loaded if need be.

        Raises:
            TrainerError: It cannot be loaded.
        """
        with self._turn:
            if self._loaded is None:
                self._loaded = Extractor.from_pretrained(self.name, self.adapter, constrain=self.constrain)
            return self._loaded
