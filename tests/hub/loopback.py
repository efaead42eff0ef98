"""A Hub on the loopback interface: repositories with branches and commits, large files, ranges, and faults on demand.

It speaks what `huggingface_hub` 2.4, `datasets`, `transformers` and `evaluate` ask of the real one. As there, only a
commit makes files visible, and a large file is in no repository until a commit names it.
"""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import yaml
from storage import Blob, Repo

USER, TOKEN = "user", "hf_" + "DummyTokenForTestsOnly" + "0" * 14
LARGE = (".parquet", ".safetensors", ".png", ".gz", ".bin")
PAGE = 40  # entries of a listing, so that a middling repository has several pages
WHEN = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Call:
    """A request, and how many came before it."""

    number: int
    method: str
    path: str
    range: str = ""
    agent: str = ""


Fault = int | str
"""A status to answer with; "cut": no answer, nothing done; "lost": done, but no answer; "half": half of it; "slow": late."""


class Hub:
    """The server; `with Hub() as hub:` runs it. `hub.fault` is asked at each call what shall go wrong."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.large: dict[str, bytes] = {}
        self.calls: list[Call] = []
        self.fault: Callable[[Call], Fault | None] = lambda call: None
        self.retry_after: str | None = None
        self.lock = threading.RLock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def env(self, home: object, token: bool = True) -> dict[str, str]:
        """What a process needs to take this for the Hub, with a cache of its own."""
        told = {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        told |= {"HF_EVALUATE_OFFLINE": "0", "HF_UPDATE_DOWNLOAD_COUNTS": "0", "HF_HUB_DISABLE_TELEMETRY": "1"}
        return told | ({"HF_TOKEN": TOKEN} if token else {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"})

    def put(self, kind: str, name: str, files: dict[str, bytes], branch: str = "main", private: bool = False) -> str:
        """A commit made without a request."""
        repo = self.repos.setdefault((kind, name), Repo(private))
        return repo.commit(branch, {path: Blob(data, path.endswith(LARGE)) for path, data in files.items()})

    def ask(self, call_: Call) -> Fault | None:
        with self.lock:
            return self.fault(call_)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = 1 << 16  # head and body leave together: apart, each answer would wait 40 ms for an acknowledgement
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if (body := self._body()) is None:
            return None  # the client went before its end
        with self.hub.lock:
            said = (self.headers.get(name, "") for name in ("Range", "User-Agent"))
            call = Call(len(self.hub.calls), self.command, unquote(url.path), *said)
            self.hub.calls.append(call)
        fault = self.hub.ask(call)
        if fault == "slow":
            time.sleep(1.0)
        if isinstance(fault, int):
            wait = {"Retry-After": self.hub.retry_after} if self.hub.retry_after else {}
            return self._answer(fault, {"error": "as ordered"}, wait)
        if fault != "cut":
            with self.hub.lock:
                told = self._route(url.path, body)
            if fault != "lost":
                return self._answer(*told, half=fault == "half")
        self.close_connection = True
        self.connection.close()

    do_HEAD = do_POST = do_PUT = do_GET

    def _body(self) -> bytes | None:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            size = int(self.headers.get("Content-Length") or 0)
            return body if len(body := self.rfile.read(size)) == size else None
        parts = []
        while (line := self.rfile.readline()) and (size := int(line, 16)):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(parts) if self.rfile.readline() else None

    def _answer(self, status: int, told: Any = None, headers: dict[str, str] | None = None, half: bool = False) -> None:
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        try:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[: len(data) // 2] if half else data)
            if half:
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()
        except ConnectionError:
            self.close_connection = True  # the client has gone

    def _route(self, path: str, body: bytes) -> tuple[Any, ...]:
        """(status, answer, headers) of a request."""
        given = self.headers.get("Authorization", "")
        if given and given != f"Bearer {TOKEN}":
            return 401, {"error": "bad token"}, {"X-Error-Message": "Invalid credentials in Authorization header"}
        if path == "/api/whoami-v2":
            return (200, {"name": USER, "type": "user"}) if given else (401, {"error": "no token"})
        if path == "/api/validate-yaml":
            return _validated(json.loads(body)["content"])
        if path == "/api/repos/create":
            return self._create(json.loads(body)) if given else (401, {"error": "no token"})
        if found := re.fullmatch(r"/upload/(\w+)", path):
            if hashlib.sha256(body).hexdigest() != found[1]:
                return 400, {"error": "not what was announced"}
            self.hub.large[found[1]] = body
            return 200, {}
        for pattern in (
            r"/api/(?P<kind>\w+)s/(?P<name>[^/]+/[^/]+)(?:/(?P<what>[\w-]+)(?:/(?P<rev>[^/]+)(?:/(?P<path>.+))?)?)?",
            r"/(?:(?P<kind>dataset|space)s/)?(?P<name>[^/]+/[^/]+?)\.git/info/lfs/objects/(?P<what>batch|verify)",
            r"/(?:(?P<kind>dataset|space)s/)?(?P<name>[^/]+/[^/]+)/(?P<what>resolve)/(?P<rev>[^/]+)/(?P<path>.+)",
        ):
            if found := re.fullmatch(pattern, path):
                told = {key: unquote(value) for key, value in found.groupdict().items() if value}
                return self._repo(told.pop("kind", "model"), told.pop("name"), body, **told)
        return 404, {"error": "no such page"}

    def _create(self, asked: dict[str, Any]) -> tuple[Any, ...]:
        kind, name = asked.get("type") or "model", f"{asked.get('organization') or USER}/{asked['name']}"
        place = f"{self.hub.url}/{'' if kind == 'model' else kind + 's/'}{name}"
        if (kind, name) in self.hub.repos:
            return 409, {"error": "You already created this repo", "url": place}
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.hub.repos[kind, name] = Repo(private)
        self.hub.repos[kind, name].commit("main", {".gitattributes": Blob(b"*.parquet filter=lfs\n", False)})
        return 200, {"url": place, "name": name}

    def _repo(
        self, kind: str, name: str, body: bytes, what: str = "revision", rev: str = "main", path: str = ""
    ) -> tuple[Any, ...]:
        repo, given = self.hub.repos.get((kind, name)), "Authorization" in self.headers
        if repo is None or (repo.private and not given):
            return (404 if given else 401), {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}
        if what in ("preupload", "commit", "branch", "batch", "verify") and not given:
            return 401, {"error": "no token"}, {"X-Error-Message": "Invalid username or password."}
        if what == "branch":
            return self._branch(repo, rev, json.loads(body or b"{}").get("startingPoint") or "main")
        if what in ("batch", "verify"):
            return self._large(name, kind, json.loads(body), what)
        if what == "refs":
            refs = [
                {"name": branch, "ref": f"refs/heads/{branch}", "targetCommit": log[-1]}
                for branch, log in repo.branches.items()
            ]
            return 200, {"branches": refs, "converts": [], "tags": []}
        sha = repo.sha(rev)
        if not sha:
            return 404, {"error": f"Invalid rev id: {rev}"}, {"X-Error-Code": "RevisionNotFound"}
        state = repo.commits[sha]
        if what == "preupload":
            return 200, {"files": [_upload_mode(file, state) for file in json.loads(body)["files"]]}
        if what == "commit":
            return self._commit(repo, name, rev, body)
        if what == "tree":
            return self._tree(state, path)
        if what == "paths-info":
            asked = parse_qs(body.decode())["paths"]
            return 200, [state[each].told(each) for each in asked if each in state]
        if what == "resolve":
            return self._resolve(state, sha, path)
        siblings = [{"rfilename": each} for each in state]
        facts = {"id": name, "sha": sha, "private": repo.private, "siblings": siblings, "tags": [], "gated": False}
        return 200, {**facts, "disabled": False, "downloads": 0, "likes": 0, "lastModified": WHEN, "createdAt": WHEN}

    def _branch(self, repo: Repo, branch: str, start: str) -> tuple[Any, ...]:
        if branch in repo.branches:
            return 409, {"error": "Reference already exists"}
        repo.branches[branch] = list(repo.branches[start])
        return 200, {}

    def _large(self, name: str, kind: str, asked: dict[str, Any], what: str) -> tuple[Any, ...]:
        if what == "verify":
            return (200, {}) if asked["oid"] in self.hub.large else (404, {"error": "not uploaded"})
        prefix = "" if kind == "model" else f"{kind}s/"
        verify = {"href": f"{self.hub.url}/{prefix}{name}.git/info/lfs/objects/verify", "header": {}}
        objects = []
        for each in asked["objects"]:
            actions = {"upload": {"href": f"{self.hub.url}/upload/{each['oid']}", "header": {}}, "verify": verify}
            objects.append({**each, **({} if each["oid"] in self.hub.large else {"actions": actions})})
        return 200, {"transfer": "basic", "objects": objects}

    def _commit(self, repo: Repo, name: str, branch: str, body: bytes) -> tuple[Any, ...]:
        state = dict(repo.commits[repo.sha(branch) or ""])
        for line in body.splitlines():
            key, value = (told := json.loads(line))["key"], told["value"]
            if key == "header" and value.get("parentCommit", repo.sha(branch)) != repo.sha(branch):
                return 412, {"error": "A commit has happened since. Please refresh and try again."}
            if key == "file":
                state[value["path"]] = Blob(base64.b64decode(value["content"]), False)
            elif key == "lfsFile":
                if value["oid"] not in self.hub.large:
                    return 400, {"error": "LFS pointer pointed to a file that does not exist"}
                state[value["path"]] = Blob(self.hub.large[value["oid"]], True)
            elif key == "deletedFile":
                del state[value["path"]]
        sha = repo.commit(branch, state)
        return 200, {"success": True, "commitOid": sha, "commitUrl": f"{self.hub.url}/{name}/commit/{sha}"}

    def _tree(self, state: dict[str, Blob], below: str) -> tuple[Any, ...]:
        prefix, deep = (below.rstrip("/") + "/") if below else "", self.query.get("recursive") in ("true", "True", "1")
        entries: dict[str, dict[str, Any]] = {}
        for path, blob in sorted(state.items()):
            if path.startswith(prefix):
                parts = path[len(prefix) :].split("/")
                for depth in range(1, len(parts) if deep else min(2, len(parts))):
                    folder = prefix + "/".join(parts[:depth])
                    oid = hashlib.sha1(folder.encode()).hexdigest()
                    entries[folder] = {"type": "directory", "path": folder, "size": 0, "oid": oid}
                if deep or len(parts) == 1:
                    entries[path] = blob.told(path)
        if below and not entries:
            return 404, {"error": f"{below} does not exist"}, {"X-Error-Code": "EntryNotFound"}
        start = int(self.query.get("cursor", 0))
        page, more = list(entries.values())[start : start + PAGE], len(entries) > start + PAGE
        here = f"{self.hub.url}{urlsplit(self.path).path}?recursive={str(deep).lower()}&cursor={start + PAGE}"
        return 200, page, {"Link": f'<{here}>; rel="next"'} if more else {}

    def _resolve(self, state: dict[str, Blob], sha: str, path: str) -> tuple[Any, ...]:
        headers = {"X-Repo-Commit": sha, "Accept-Ranges": "bytes"}
        if path not in state:
            return 404, {"error": "Entry not found"}, {**headers, "X-Error-Code": "EntryNotFound"}
        blob = state[path]
        data, etag = blob.data, blob.sha256 if blob.large else blob.oid
        headers |= {"ETag": f'"{etag}"', "Content-Disposition": f"inline; filename*=UTF-8''{quote(path)}"}
        if blob.large:
            headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data))}
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(found[1]), min(int(found[2] or len(data) - 1), len(data) - 1)
            if start >= len(data):
                return 416, b"", {"Content-Range": f"bytes */{len(data)}"}
            return 206, data[start : end + 1], {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
        return 200, data, headers


def _upload_mode(file: dict[str, Any], state: dict[str, Blob]) -> dict[str, Any]:
    path, there = file["path"], state.get(file["path"])
    oid = {"oid": there.sha256 if there.large else there.oid} if there else {}
    large = path.endswith(LARGE) or file["size"] > 10_000_000
    return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, **oid}


def _validated(page: str) -> tuple[Any, ...]:
    try:
        head = yaml.safe_load(page.split("---\n")[1]) if page.startswith("---\n") else {}
    except (yaml.YAMLError, IndexError) as problem:
        return 400, {"errors": [{"message": str(problem)}], "warnings": []}
    empty = [] if head else [{"message": "empty or missing yaml metadata in repo card"}]
    return 200, {"errors": [], "warnings": empty}
