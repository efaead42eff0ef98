"""What is pushed: of each kind of folder what may go, and nothing else that lies in it."""

import json
import mmap
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .card import README as CARD
from .dataset_files import SPLITS
from .eval_results import RESULTS, results_text
from .template import read_json

__all__ = ["BENCHMARK", "CARD", "HubError", "Upload", "dataset_upload", "metric_files", "model_upload", "space_upload"]

_MODEL = (
    "adapter_config.json", "added_tokens.json", "chat_template.jinja", "config.json", "curve.png",
    "generation_config.json", "merges.txt", "*.model", "*.safetensors", "*.safetensors.index.json", "run.json",
    "scores.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt",
    ".eval_results/*.yaml", ".eval_results/*.yml",
)  # fmt: skip
_ANSWERS = ("predictions.jsonl", "predictions.jsonl.gz")
_STATISTICS = ("statistics/*.json", "statistics/*.png")
BENCHMARK = "eval.yaml"
_SPACE = (
    ".css", ".csv", ".html", ".jpg", ".js", ".json", ".jsonl", ".md", ".png", ".py", ".svg", ".toml", ".ttf", ".txt",
    ".woff2", ".yaml", ".yml",
)  # fmt: skip
_BINARY = (".gz", ".jpg", ".parquet", ".png", ".safetensors", ".ttf", ".woff2")  # all else is searched for tokens
_TOKEN = re.compile(rb"\bhf_[A-Za-z0-9]{30,}")


class HubError(OSError):
    """Something that cannot be pushed or fetched; says what, why and the remedy."""


@dataclass(frozen=True)
class Upload:
    """The files of one push.

    Attributes:
        kind: `dataset`, `model` or `space`.
        files: Path in the repository → the local file, or its bytes.
        owns: Patterns of what earlier pushes of this kind put there; of these, what `files` no longer has is deleted.
    """

    kind: str
    files: Mapping[str, Path | bytes]
    owns: tuple[str, ...] = ()

    def size(self, path: str) -> int:
        """Bytes of a file."""
        content = self.files[path]
        return len(content) if isinstance(content, bytes) else content.stat().st_size

    @property
    def card(self) -> str:
        """The text of its page."""
        content = self.files[CARD]
        return (content if isinstance(content, bytes) else content.read_bytes()).decode()

    def stale(self, there: Iterable[str]) -> list[str]:
        """Of the paths that a repository has, those that this push deletes."""
        return [
            path for path in there if path not in self.files and any(_matches(path, pattern) for pattern in self.owns)
        ]


def dataset_upload(folder: Path | str, names: Iterable[str], texts: Mapping[str, str], tasks: Iterable[str]) -> Upload:
    """A prepared folder.

    Args:
        folder: What `iepile prepare` made.
        names: Its files as its manifest lists them.
        texts: What takes the place of files, or lies beside them: path → text (the manifest, the card).
        tasks: Names of all the folders that `prepare` may make; other folders of the repository are not touched.

    Raises:
        HubError: A link that leads out of the folder, a token in a file, no page.
    """
    # Shards of an earlier push would be read with those of this one: the page names them by a pattern.
    rows = [
        pattern.format(task)
        for task in tasks
        for split, lines in SPLITS.items()
        for pattern in (f"{{}}/{split}-*.parquet", f"raw/{{}}/{split}-*.parquet", f"{{}}/{lines}.json")
    ]
    owns = (*rows, *_STATISTICS, BENCHMARK)
    chosen = [name for name in names if any(_matches(name, pattern) for pattern in owns)]
    paths = (Path(folder) / name for name in [*chosen, CARD])
    return _checked(Upload("dataset", _below(Path(folder), paths) | _encoded(texts), owns))


def model_upload(
    run: Path | str, card: str, answers: bool = False, base: str | None = None, repo: str | None = None
) -> Upload:
    """A finished run: adapter or weights, tokenizer, record, scores, curve, card; of checkpoints and pickles nothing.

    Args:
        run: The run folder.
        card: Its page.
        answers: Also the `predictions.jsonl`, which hold the texts that were asked about.
        base: The name on the Hub of what it is based on, where the run knows it by a folder.
        repo: Its own name there, where its results say that their source lies.

    Raises:
        HubError: No finished run, weights that are missing, an adapter on a folder of this machine, a link that leads
            out of the folder, a token in a file.
    """
    folder = Path(run)
    record = read_json(folder / "run.json")
    if record is None:
        raise HubError(f"{folder}: no run.json in it, so no finished run (train one first)")
    patterns = (*_MODEL, *(_ANSWERS if answers else ()))
    files = _below(folder, (path for pattern in patterns for path in sorted(folder.glob(pattern))))
    if not any(name.endswith(".safetensors") for name in files):
        raise HubError(f"{folder}: no weights in it (*.safetensors): train again, or give the folder that has them")
    for name in [name for name in files if name.endswith(".index.json")]:
        for part in set(read_json(folder / name).get("weight_map", {}).values()) - files.keys():
            raise HubError(f"{folder / part}: missing, {name} names it (train again)")
    record |= {"base_model": base} if base else {}
    files |= {CARD: card.encode(), "run.json": _pretty(_placeless(record))}
    if repo and (results := results_text(folder, repo)):
        files[RESULTS] = results.encode()
    if "adapter_config.json" in files:
        files |= _based(folder, base)
    return _checked(Upload("model", files, (*_MODEL, *_ANSWERS)))


def space_upload(folder: Path | str, texts: Mapping[str, str]) -> Upload:
    """A folder with the files of a Gradio Space: code, texts and pictures below it, but for hidden ones and caches.

    Args:
        folder: With `app.py`.
        texts: Path → text of files that lie elsewhere, such as the card.
    """
    folder = Path(folder)
    paths = (
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in _SPACE
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
    )
    files = _below(folder, paths) | _encoded(texts)
    if "app.py" not in files:
        raise HubError(f"{folder}: no app.py in it, so no Space (give the folder that has it)")
    return _checked(Upload("space", files, ("*.py",)))


def metric_files(folder: Path | str, name: str) -> dict[str, str]:
    """The files of the metric as `evaluate.load("user/<name>")` wants them: its script bears the repository's name.

    `evaluate` fetches only what the script imports itself and relatively, from the same flat folder.

    Args:
        folder: The metric's folder, with `iepile_f1.py`.
        name: The second part of the repository's name.

    Raises:
        HubError: No module can bear that name, or one of the metric's own does.
    """
    folder = Path(folder)
    script = (folder / "iepile_f1.py").read_text("utf-8")
    beside = re.findall(r"^from \.(\w+) import", script, re.MULTILINE)
    if not re.fullmatch(r"[\w-]+", name) or name in (*beside, "app"):
        raise HubError(f"{name}: evaluate cannot load a metric of this name (take iepile_f1, or letters, digits, _, -)")
    names = [*(f"{module}.py" for module in beside), "requirements.txt"]
    return {f"{name}.py": script, **{file: (folder / file).read_text("utf-8") for file in names}}


def _based(run: Path, base: str | None) -> dict[str, bytes]:
    """An `adapter_config.json` with another base, if one is given; a HubError if others could not load its own."""
    adapter = read_json(run / "adapter_config.json")
    name = str(adapter.get("base_model_name_or_path") or "")
    local = Path(name).exists() or name.count("/") > 1 or name.startswith((".", "/", "~"))
    if not base and (local or not name):
        on = f"on the folder {name}" if name else "on a base that it does not name"
        raise HubError(
            f"{run}: an adapter {on}, which nobody else has (push that model, then name it with --base user/name; or "
            "push them as one: iepile merge)"
        )
    return {"adapter_config.json": _pretty(adapter | {"base_model_name_or_path": base})} if base else {}


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _placeless(value: Any) -> Any:
    """JSON without the folders of this machine: of a path that is no name on the Hub its last name."""
    if isinstance(value, dict):
        return {name: _placeless(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_placeless(part) for part in value]
    return Path(value).name if isinstance(value, str) and value.startswith(("/", "~/", "./", "../")) else value


def _matches(path: str, pattern: str) -> bool:
    """A star stays within a name, as in a shell."""
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _below(folder: Path, paths: Iterable[Path]) -> dict[str, Path | bytes]:
    """Those of the paths that are files, by their names in the folder."""
    files: dict[str, Path | bytes] = {}
    for path in filter(Path.is_file, paths):
        if not path.resolve().is_relative_to(folder.resolve()):
            raise HubError(f"{path}: a link to {path.resolve()}, outside the folder (put a copy there instead)")
        files[path.relative_to(folder).as_posix()] = path
    return files


def _encoded(texts: Mapping[str, str]) -> dict[str, Path | bytes]:
    return {name: text.encode() for name, text in texts.items()}


def _checked(upload: Upload) -> Upload:
    """The same, or a HubError where it has no page or tells a secret."""
    from huggingface_hub import get_token

    if CARD not in upload.files:
        raise HubError(f"no {CARD}: what is on the Hub without a page is not found (iepile card writes one)")
    token = (get_token() or "").encode()
    secret = re.compile(_TOKEN.pattern + (b"|" + re.escape(token) if token else b""))
    for name, content in upload.files.items():
        if not name.endswith(_BINARY) and upload.size(name) and _holds(content, secret):
            raise HubError(f"{name}: holds an access token, which would be public (take it out, and revoke it)")
    return upload


def _holds(content: Path | bytes, secret: re.Pattern[bytes]) -> bool:
    if isinstance(content, bytes):
        return secret.search(content) is not None
    with content.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return secret.search(data) is not None


def is_offline() -> bool:
    """Whether the Hub's client was told to ask nobody."""
    from huggingface_hub import constants

    asked = getattr(constants, "is_offline_mode", None)  # before huggingface_hub 1.2: a constant
    return bool(asked() if asked else constants.HF_HUB_OFFLINE)
