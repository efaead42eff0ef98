"""From the Hub into a folder: its licence first, then its files, as far as they are not there already."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .model_card import CORPUS
from .push import WAITS, Incomplete, checked_name, until_done
from .upload_set import CARD, HubError, is_offline

__all__ = ["download"]

_MARK = ".cache/huggingface"  # what `huggingface_hub` leaves in a folder that it fills
_STRICTER = "IEPile as a whole: CC BY-NC-SA 4.0; some of its sources are stricter, each keeps its own licence"


@dataclass(frozen=True)
class Fetched:
    """What a download brought.

    Attributes:
        commit: The commit that the files are from.
        files: How many.
        size: Their bytes.
        others: Files of the folder that are not in that commit, hidden ones left out.
    """

    commit: str
    files: int
    size: int
    others: tuple[str, ...]


def licence_of(repo: str, kind: str, revision: str | None = None) -> str:
    """The licence words of a repository's page, in one line.

    Raises:
        HubError: The repository or revision cannot be seen.
    """
    from huggingface_hub import HfApi, RepoCard
    from huggingface_hub.errors import EntryNotFoundError

    try:
        path = HfApi().hf_hub_download(repo, CARD, repo_type=kind, revision=revision)
        data = RepoCard.load(path, ignore_metadata_errors=True).data.to_dict()
    except EntryNotFoundError:
        data = {}
    words = " ".join(str(data[key]) for key in ("license", "license_name", "license_link") if data.get(key))
    words = words or "its page states none: ask its authors before you pass anything on"
    return f"{words} ({_STRICTER})" if (repo.lower(), kind) == (CORPUS, "dataset") else words


def download(
    repo: str,
    out: Path | str,
    *,
    kind: str = "dataset",
    revision: str | None = None,
    waits: Sequence[float] = WAITS,
    tell: Callable[[str], None] = lambda line: None,
) -> Fetched:
    """All files of a repository in a folder, one revision of them; what is there whole is not fetched again.

    Args:
        repo: `user/name`.
        out: The folder; new, empty, or one that an earlier call began.
        kind: `dataset`, `model` or `space`.
        revision: A branch, a tag or a commit; None for the newest of `main`.
        waits: Seconds to wait before each new attempt, as for `push`.
        tell: Called first with the licence, then with a line for each attempt that failed.

    Raises:
        HubError: It cannot be done; says why and what to do. What was fetched stays for the next call.
    """
    checked_name(repo)
    folder = Path(out)
    if is_offline():
        raise HubError(f"{repo}: HF_HUB_OFFLINE is set, and a download needs the Hub (unset it)")
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / _MARK).is_dir())):
        raise HubError(f"{folder}: is there already, and no download began it (give another --out)")
    once = cache(tell)  # each attempt would say the licence again
    state = f"whole files are kept in {folder}: repeat the command"
    return until_done(lambda: _fetch(repo, folder, kind, revision, once), repo, waits, tell, state)


def _fetch(repo: str, folder: Path, kind: str, revision: str | None, tell: Callable[[str], None]) -> Fetched:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    sha = str(api.repo_info(repo, repo_type=kind, revision=revision).sha)
    tell(f"licence: {licence_of(repo, kind, sha)}")
    tree = api.list_repo_tree(repo, repo_type=kind, revision=sha, recursive=True)
    sizes = {entry.path: entry.size for entry in tree if isinstance(entry, RepoFile)}
    snapshot_download(repo, repo_type=kind, revision=sha, local_dir=folder)
    # The library gives back a folder that is there already where it could not ask what belongs into it.
    for path, size in sizes.items():
        if not (folder / path).is_file() or (folder / path).stat().st_size != size:
            raise Incomplete(f"{folder / path}: did not arrive whole")
    return Fetched(sha, len(sizes), sum(sizes.values()), _others(folder, sizes))


def _others(folder: Path, names: Collection[str]) -> tuple[str, ...]:
    below = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    shown = [path.as_posix() for path in below if not any(part.startswith(".") for part in path.parts)]
    return tuple(sorted(name for name in shown if name not in names))
