"""The options of a server, beside those of the engine and of extraction."""

from dataclasses import dataclass
from math import inf
from pathlib import Path

from ..command_line import option
from ..extraction.arguments import ExtractionOptions

__all__ = ["ServeArguments"]


@dataclass(frozen=True)
class ServeArguments(ExtractionOptions):
    """Which model answers, where, and how much of what is too much."""

    host: str = option("127.0.0.1", "Address to listen on; 0.0.0.0 for the whole network.")
    port: int = option(8000, "Port to listen on; 0 takes any free one.", range=(0, 65535))
    max_text_chars: int = option(100_000, "Most characters of a request's text, or texts together.", range=(1, inf))
    max_texts: int = option(256, "Most texts of a request.", range=(1, inf))
    max_labels: int = option(500, "Most labels of a schema, roles and attributes among them.", range=(1, inf))
    max_waiting: int = option(1024, "Most texts that wait; more are refused with 503.", range=(1, inf))
    batch_wait_ms: float = option(
        5.0, "Milliseconds that a first text waits for others to share its batch.", range=(0, 1e6)
    )
    timeout: float = option(60.0, "Seconds that a request may take before it is given up.", range=(1e-3, 1e6))
    header_timeout: float = option(
        10.0, "Seconds in which a client must have sent the head of its request.", range=(1e-3, 1e6)
    )
    max_connections: int = option(
        512, "Most clients at once; of more, the one goes that has sent nothing for longest.", range=(1, inf)
    )
    allowed_hosts: str | None = option(
        None, "Names, with commas between them, under which the server answers; others get 400. Default: any."
    )
    tls_cert: str | None = option(None, "PEM file of a certificate: answer over https.")
    tls_key: str | None = option(None, "PEM file of the certificate's private key.")
    access_log: bool = option(False, "Write a line a request to standard error: client, path, status, time; no text.")
    retries: int = option(
        2,
        "Times that a request to a server behind this one is sent again; the tries share --timeout.",
        range=(0, inf),
    )

    @property
    def body_bytes(self) -> int:
        """Most bytes of a request: each character may be two escapes of six bytes; a schema and the rest beside it."""
        return 12 * self.max_text_chars + 1_000_000

    @property
    def hosts(self) -> list[str]:
        """The names of `allowed_hosts`."""
        return [name.strip() for name in (self.allowed_hosts or "").split(",") if name.strip()]

    @property
    def facts(self) -> dict[str, str | None]:
        """The model as strangers may know it: of a folder only its name."""
        names = (
            Path(name).resolve().name if name and Path(name).exists() else name for name in (self.model, self.adapter)
        )
        return {**dict(zip(("model", "adapter"), names)), "backend": self.engine, "constrain": self.constrain}
