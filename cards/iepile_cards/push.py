"""The way to the Hub: what changed, as one commit, or nothing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from .upload_set import HubError, Upload, is_offline

__all__ = ["checked_name", "push"]

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each new attempt; as many attempts follow the first."""

LONGEST_WAIT = 120.0  # that a Hub may ask for; what asks for more is told to the user
_SILENCE = 300.0  # seconds without a word from the Hub, after which an attempt has failed
_CONNECT = 15.0
_AGAIN = {408, 409, 412, 423, 425, 429}  # 412: somebody else has committed since; then all is compared anew


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes:
        url: The repository's address.
        commit: The commit's id; None where the repository had everything already.
        sent: Paths that were new or had changed.
        deleted: Paths of earlier pushes that are no longer.
        same: Paths that were there already.
        private: Whether only its owner sees it.
    """

    url: str
    commit: str | None
    sent: tuple[str, ...]
    deleted: tuple[str, ...]
    same: tuple[str, ...]
    private: bool


Done = TypeVar("Done")


class Incomplete(OSError):
    """Less arrived than was sent; worth another attempt."""


def push(
    upload: Upload,
    repo: str,
    *,
    private: bool = False,
    revision: str | None = None,
    message: str = "Upload with iepile",
    waits: Sequence[float] = WAITS,
    tell: Callable[[str], None] = lambda line: None,
) -> Pushed:
    """Make a repository hold the files of an upload: at most one commit, with what changed.

    Every attempt compares anew and commits on top of what it compared with, so it may be repeated at any point: a
    failure leaves the repository as it was, and where only the answer to the commit was lost, the next attempt finds
    everything there.

    Args:
        upload: What is pushed.
        repo: `user/name`; made if need be.
        private: Make it so that only its owner sees it.
        revision: A branch; made from `main` if need be.
        message: Of the commit.
        waits: Seconds to wait before the second attempt, the third, …; a `Retry-After` counts instead.
        tell: Called with a line for each attempt that failed.

    Raises:
        HubError: It cannot be done; says why and what to do.
    """
    from huggingface_hub import HfApi, get_token

    checked_name(repo)
    if is_offline():
        raise HubError(f"{repo}: HF_HUB_OFFLINE is set, and a push needs the Hub (unset it; --dry-run needs none)")
    token = get_token()
    if not token:
        raise HubError(f"{repo}: no access token (hf auth login, or set HF_TOKEN to one that may write)")
    api = HfApi(token=token)
    return until_done(
        lambda: _push_once(api, upload, repo, private, revision, message),
        repo, waits, tell, "the repository holds all of this push or nothing of it", token,
    )  # fmt: skip


def until_done(
    action: Callable[[], Done],
    repo: str,
    waits: Sequence[float],
    tell: Callable[[str], None],
    state: str,
    secret: str = "",
) -> Done:
    """Do something with the Hub, again after a while where that may help.

    Args:
        action: What is done.
        repo: The repository's name, for messages.
        waits: Seconds to wait before the second attempt, the third, …; a `Retry-After` counts instead.
        tell: Called with a line for each attempt that failed.
        state: What is there after the last one.
        secret: What no message may hold.

    Raises:
        HubError: It cannot be done; says why and what to do.
    """
    http_error = _http().HTTPError
    left = iter(waits)
    while True:
        _impatient()
        try:
            return action()
        except HubError:
            raise
        except (OSError, RuntimeError, ValueError, http_error) as problem:
            words, again, asked = explained(problem, repo)
            words = words.replace(secret, "…") if secret else words
            wait = next(left, None)
            seconds = wait if asked is None else asked
            if not again or wait is None or seconds is None or seconds > LONGEST_WAIT:
                raise HubError(f"{words}; {state}" if again else words) from None
        tell(f"{words}; again in {seconds:g} s")
        time.sleep(seconds)


def _http() -> Any:
    """The library that huggingface_hub asks with: httpx, from its version 2 on httpx2."""
    from huggingface_hub.errors import HfHubHTTPError

    return import_module(HfHubHTTPError.__mro__[1].__module__.partition(".")[0])


def checked_name(repo: str) -> str:
    """The name of a repository, or a HubError where it cannot be one."""
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as problem:
        raise HubError(f"{repo}: {problem}".splitlines()[0]) from None
    if repo.count("/") != 1:
        raise HubError(f"{repo}: not the name of a repository (user/name)")
    return repo


def _impatient() -> None:
    """Let calls to the Hub end that hear nothing: its library waits for ever, for some even where told otherwise."""
    from huggingface_hub import get_session

    hooks = get_session().event_hooks["request"]
    if _limit_silence not in hooks:
        hooks.append(_limit_silence)


def _limit_silence(request: Any) -> None:
    limits = {name: value for name, value in request.extensions.get("timeout", {}).items() if value is not None}
    longest = {"connect": _CONNECT, "pool": None, "read": _SILENCE, "write": _SILENCE}
    request.extensions["timeout"] = longest | limits


def explained(problem: BaseException, repo: str) -> tuple[str, bool, float | None]:
    """(what to tell, whether to try again, seconds that the Hub asks to wait) of what a call to the Hub raised."""
    transport_error = _http().TransportError
    cause: BaseException | None = problem
    while cause is not None:
        answer = getattr(cause, "response", None)
        if answer is not None:
            return _answered(answer, repo)
        if isinstance(cause, transport_error):
            return f"{repo}: no answer from the Hub ({type(cause).__name__}: {cause})", True, None
        cause = cause.__cause__ or cause.__context__
    # What fails on the way of a large file is a RuntimeError; an error page instead of JSON is a Hub in trouble.
    again = isinstance(problem, Incomplete | RuntimeError) or type(problem).__name__ == "JSONDecodeError"
    return f"{repo}: {str(problem).splitlines()[0] if str(problem) else type(problem).__name__}", again, None


def _answered(answer: Any, repo: str) -> tuple[str, bool, float | None]:
    status, after = answer.status_code, answer.headers.get("Retry-After", "")
    remedy = {
        401: "the token is wrong, or may not see it: hf auth login, or set HF_TOKEN to one that may write",
        402: "the account has to pay for this",
        403: "the token may not write here: take one that may, or a name of your own",
        404: "no such repository or revision, or the token may not see it",
        409: "somebody else is changing it",
        412: "somebody else has committed since",
        429: "too many requests: wait, then repeat the command",
    }.get(status, "the Hub is in trouble: repeat the command later" if status >= 500 else _words(answer))
    if answer.headers.get("X-Error-Code") == "GatedRepo":
        remedy = "its authors want their terms accepted first, on its page at the Hub"
    return f"{repo}: {status} ({remedy})", status in _AGAIN or status >= 500, float(after) if after.isdigit() else None


def _words(answer: Any) -> str:
    try:
        return str(answer.json().get("error") or answer.reason_phrase)
    except Exception:
        return str(answer.reason_phrase)


def _push_once(api: Any, upload: Upload, repo: str, private: bool, revision: str | None, message: str) -> Pushed:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete
    from huggingface_hub.hf_api import RepoFile

    kind = {"repo_type": upload.kind}
    sdk = {"space_sdk": "gradio"} if upload.kind == "space" else {}
    url = api.create_repo(repo, private=private or None, exist_ok=True, **kind, **sdk)
    if revision:
        api.create_branch(repo, branch=revision, exist_ok=True, **kind)
    info = api.repo_info(repo, revision=revision, **kind)
    if private and not info.private:
        raise HubError(f"{repo}: is public, and --private does not hide what is (change it in its settings)")
    tree = api.list_repo_tree(repo, revision=info.sha, recursive=True, **kind)
    there = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    additions = [CommitOperationAdd(path, content) for path, content in upload.files.items()]
    same = [addition for addition in additions if _is_there(addition, there.get(addition.path_in_repo))]
    changed = [addition for addition in additions if addition not in same]
    deleted = upload.stale(there)
    operations = [*changed, *(CommitOperationDelete(path, is_folder=False) for path in deleted)]
    commit = None
    if operations:
        commit = api.create_commit(
            repo, operations, commit_message=message, revision=revision, parent_commit=info.sha, **kind
        ).oid
    sent, kept = (tuple(addition.path_in_repo for addition in part) for part in (changed, same))
    return Pushed(str(url), commit, sent, tuple(deleted), kept, bool(info.private))


def _is_there(addition: Any, there: Any) -> bool:
    """Whether a file of the repository has the content that would be sent."""
    from huggingface_hub.utils.sha import git_hash

    if there is None or there.lfs:
        return there is not None and addition.upload_info.sha256.hex() == there.lfs.sha256
    with addition.as_file() as content:
        return bool(git_hash(content.read()) == there.blob_id)
