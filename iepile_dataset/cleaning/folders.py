"""Where cleaning reads and where it may write."""

from pathlib import Path

import fsspec

from ..corpus.sources import Source, find_sources
from ..errors import DataError, Problem
from ..options import Options
from ..schema import SCHEMA_FILES
from ..tasks import LANGUAGES, TASKS

CLEANED = "cleaned.json"

_LANGUAGES = {f"ie-{language}" for language in LANGUAGES}
_TASKS = {folder.lower() for task in TASKS.values() for folder in task.folders}


def sources_of(corpus: str) -> tuple[list[Source], list[Problem]]:
    """Every source once, whichever tasks it serves, and the folders that serve none."""
    found: dict[str, Source] = {}
    problems: dict[str, Problem] = {}
    errors = []
    for task in TASKS.values():
        try:
            sources, wrong = find_sources(task, Options(), corpus)
        except DataError as error:
            errors.append(error)
            continue
        for source in sources:
            found.setdefault(source.path, source)
        for problem in wrong:
            problems.setdefault(problem.file, problem)
    if not found:
        raise errors[0]
    order = sorted(found.values(), key=lambda source: source.path)
    return order, [problem for file, problem in problems.items() if file not in found]


def base(corpus: str) -> str:
    """The folder below which the names of a tree begin: `IE-en/NER` given alone still becomes `IE-en/NER/…`.

    >>> base("data/re/corpus").endswith("/data/re/corpus"), base("data/IE-en/NER/towns").endswith("/data")
    (True, True)
    """
    filesystem, plain = fsspec.core.url_to_fs(corpus)
    parts = plain.rstrip("/").split("/")
    names = [part.lower() for part in parts]
    one_source = any(filesystem.isfile(f"{plain}/{name}") for name in SCHEMA_FILES)
    start = next((place for place, name in enumerate(names) if name in _LANGUAGES), len(parts) - one_source)
    # A task's folder counts only where it stands in its place: some parent may happen to be called `re`.
    if start == len(parts) - one_source and names[start - 1] in _TASKS:
        start -= 1
    return "/".join(parts[:start])


def below(path: str, base: str) -> str:
    """The path of a source as the tree names it.

    >>> below("/data/IE-en/NER/towns", "/data")
    'IE-en/NER/towns'
    """
    plain = fsspec.core.url_to_fs(path)[1]
    return plain.removeprefix(base).strip("/")


def refuse_nested(out: Path, corpus: str) -> None:
    """A DataError where one of the two folders lies in the other."""
    if "://" in corpus:
        return
    here, there = out.resolve(), Path(corpus).resolve()
    if here == there or here in there.parents or there in here.parents:
        raise DataError(f"{out}: lies in the corpus, or the corpus in it (choose another --out)")
