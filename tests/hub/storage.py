"""What a Hub keeps: files, large or not, in commits on branches."""

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Blob:
    data: bytes
    large: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """Git's name for the file, or for the pointer that stands for a large one."""
        data = self.data
        if self.large:
            data = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(data)}\n".encode()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def told(self, path: str) -> dict[str, Any]:
        lfs = {"lfs": {"oid": self.sha256, "size": len(self.data), "pointerSize": 130}} if self.large else {}
        return {"type": "file", "path": path, "size": len(self.data), "oid": self.oid, **lfs}


@dataclass
class Repo:
    """Branches are lists of commits, oldest first; a commit is its files by path."""

    private: bool = False
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    branches: dict[str, list[str]] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, Blob]) -> str:
        log = self.branches.setdefault(branch, [])
        state = sorted((path, blob.oid) for path, blob in files.items())
        sha = hashlib.sha1(repr((log, state, len(self.commits))).encode()).hexdigest()
        self.commits[sha] = files
        log.append(sha)
        return sha

    def sha(self, revision: str) -> str | None:
        return self.branches[revision][-1] if revision in self.branches else revision * (revision in self.commits)

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """What is visible, but for what the Hub itself puts there."""
        state = self.commits[self.sha(revision) or ""]
        return {path: blob.data for path, blob in state.items() if path != ".gitattributes"}
