"""The manifest as it goes out: without the places of the files on this machine."""

import hashlib
import json
import os
import posixpath
from collections.abc import Mapping
from typing import Any

from .manifest import MANIFEST as MANIFEST
from .manifest import digest_of_facts
from .prepare import QUARANTINE

_FILES = ("hard_negatives", "tokenizer")


def published(told: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """A manifest to publish: places from the corpus's root, no quarantine file; it proves the same rows.

    Whoever downloads the folder can `verify` it. Addresses such as `hf://…` stay: they are the same for everybody.

    Args:
        told: The manifest of a prepared folder.
        texts: Path → text of files that go out otherwise than they lie there.
    """
    facts = {name: value for name, value in told.items() if name != "manifest_sha256"}
    facts["sources"] = [_placeless(source) for source in told["sources"]]
    facts["options"] = {
        name: posixpath.basename(value)
        if name in ("hard_negatives", "tokenizer") and _of_this_machine(value)
        else value
        for name, value in told["options"].items()
    }
    facts["files"] = {name: digest for name, digest in told["files"].items() if name != QUARANTINE}
    facts["files"] |= {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    sealed = facts | {"manifest_sha256": digest_of_facts(facts)}
    return json.dumps(sealed, ensure_ascii=False, indent=2) + "\n"


def _placeless(source: Mapping[str, Any]) -> dict[str, Any]:
    if "://" in source["path"]:
        return dict(source)
    language, task, name = source["source"].split("/")
    place = f"IE-{language}/{task}/{name}"
    files = {
        split: {**file, "file": f"{place}/{posixpath.basename(file['file'])}"}
        for split, file in source["files"].items()
    }
    return {**source, "path": place, "files": files}


def _of_this_machine(name: Any) -> bool:
    """Whether an option names a file here; `Qwen/Qwen3-0.6B` does not."""
    return isinstance(name, str) and (os.path.isabs(name) or name.startswith((".", "~")) or os.path.exists(name))
