"""`iepile app`: the page, on this machine."""

from ..app import PageOptions, serve
from ..console import failing, say


def app(options: PageOptions) -> None:
    """A page in the browser: extract from a text, score answers, browse a corpus, import annotations.

    It asks nothing of the network; only with --share, or a model of the Hub that is not here yet, does it.

        iepile app --model runs/mine --corpus my_corpus
    """
    import os
    import signal
    import sys

    # Threads that wait in a loop slow each other down many times over when cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves no uploaded file behind
    with failing("train,app"):
        serve(options, lambda address: say(f"{address} (Ctrl+C ends it)"))
