"""The page with its four tabs, and the server behind it."""

import os
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from iepile_trainer.command_line import check_options, option

from .score import BYTES, score_tab
from .session import DEFAULT, Model

# Nothing from elsewhere, nothing to elsewhere; scripts that gradio writes into the page are its own way to work.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)

_WAITING = 32  # visitors in line; whoever comes then is told that it is full


@dataclass(frozen=True)
class PageOptions:
    """What the page is told; each field's help says what it means.

    Raises:
        ValueError: No such port.
    """

    model: str | None = option(None, f"A run folder or a model of the Hub. Default: {DEFAULT}, once it is there.")
    adapter: str | None = option(None, "An adapter on top of it.")
    corpus: str | None = option(None, "The corpus tree to browse; the embedded sample where left out.")
    constrain: str = option(
        "none",
        "json: answers always parse; extractive: and quote the text. Slower.",
        choices=("none", "json", "extractive"),
    )
    host: str | None = option("127.0.0.1", "Address to listen on; 0.0.0.0 for the whole network.")
    port: int | None = option(None, "Default: the first free one from 7860 on.", range=(1, 65535))
    share: bool = option(False, "Also open a public address through gradio's servers, for 72 hours.")

    def __post_init__(self) -> None:
        check_options(self)


def page(options: PageOptions) -> Any:
    """The page as `gradio.Blocks`.

    Raises:
        TrainerError: No such run folder.
        DataError: No source in the corpus.
    """
    from .api import offer
    from .browse import browse_tab
    from .extract import extract_tab
    from .importing import import_tab
    from .records import sources_of

    sources = sources_of(options.corpus)
    answering = Model(options.model, options.adapter, options.constrain)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read on import
    import gradio as gr

    with gr.Blocks(title="iepile", analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        gr.HTML("<h1>iepile</h1><p>Information extraction by schema: text and labels in, JSON out.</p>", elem_id="head")
        with gr.Tab("Extract"):
            extract_tab(answering)
        with gr.Tab("Score"):
            score_tab()
        with gr.Tab("Browse"):
            browse_tab(options.corpus, sources)
        with gr.Tab("Import"):
            import_tab()
        offer(answering)
    return blocks.queue(max_size=_WAITING)


def serve(options: PageOptions, tell: Any = print) -> None:
    """Serve the page until it is interrupted.

    Args:
        options: Where it says no `host`, it is what the Hub sets for a Space, or 127.0.0.1.
        tell: Is given the address.

    Raises:
        TrainerError: No such run folder.
        DataError: No source in the corpus.
        OSError: The port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="iepile-app-") as folder:
        # What visitors upload lies here, and goes when the page does. Read on import.
        os.environ["GRADIO_TEMP_DIR"] = folder
        blocks = page(options)
        _around_proxies()
        try:
            with redirect_stdout(sys.stderr):  # gradio tells of its MCP server, however quiet it shall be
                _, local, public = blocks.launch(
                    **_options(), server_name=options.host, server_port=options.port, share=options.share
                )
            tell(public or local)
            blocks.block_thread()
        except OSError as problem:
            if "empty port" not in str(problem):
                raise
            raise OSError(f"port {options.port or '7860 to 7959'} is taken (name another with --port)") from None
        finally:
            blocks.close(verbose=False)


def _options() -> dict[str, Any]:
    import gradio as gr
    from starlette.middleware import Middleware

    fonts = ("system-ui", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "sans-serif")
    theme = gr.themes.Base(
        primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=("ui-monospace", "Consolas", "monospace"),
        radius_size="sm",
    )  # fmt: skip
    return {
        "theme": theme,
        "css_paths": Path(str(resources.files(__package__) / "app.css")),
        "app_kwargs": {"middleware": [Middleware(Guard)]},
        "max_file_size": BYTES,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": find_spec("mcp") is not None,  # which comes with the extra
        "ssr_mode": False,
        "pwa": False,
        "quiet": True,
        "prevent_thread_lock": True,
        "show_error": False,  # what the page does not say itself is for the log
    }


def _around_proxies() -> None:
    """Gradio asks its own address whether it is up: not by way of a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [os.environ.get(name, ""), "localhost", "127.0.0.1", "0.0.0.0"]
        os.environ[name] = ",".join(filter(None, hosts))


class Guard:
    """Adds the headers that keep a page to itself, to every answer of a server."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request as the server does, with more headers."""

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                more = {"content-security-policy": POLICY, "x-content-type-options": "nosniff",
                        "referrer-policy": "no-referrer"}  # fmt: skip
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in more.items())]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
