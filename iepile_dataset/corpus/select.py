"""The sources of several tasks at once."""

import os
from collections.abc import Sequence
from dataclasses import replace
from posixpath import basename

from ..errors import DataError, Problem, shown
from ..options import Options
from ..tasks import TASKS, task_named
from .sources import Source, find_sources


def choose_sources(
    tasks: str | Sequence[str], options: Options, data_dir: str | os.PathLike[str] | None = None
) -> tuple[list[Source], list[Problem]]:
    """The sources of a corpus for some tasks, in the order of the task table, and what keeps others from it.

    Args:
        tasks: A name or several, in any case; empty for all that the corpus serves.
        options: `language` and `source` choose among the sources.
        data_dir: A corpus tree or one of its folders; None for the embedded sample.

    Raises:
        DataError: No source for a task that was named, or for any where none was.

    >>> sources, problems = choose_sources(["ner"], Options(language="zh"))
    >>> [source.key for source in sources], problems
    (['zh/NER/chengshi_xinwen', 'zh/NER/wanggou_pinglun'], [])
    """
    tasks = (tasks,) if isinstance(tasks, str) and tasks else tasks
    data_dir = None if data_dir is None else os.fspath(data_dir)
    found: list[Source] = []
    problems: list[Problem] = []
    errors = []
    everything = replace(options, source=None)  # a source that one task lacks, another may have
    for name in dict.fromkeys(task_named(task).name.lower() for task in tasks or TASKS):
        try:
            sources, new = find_sources(task_named(name), everything, data_dir)
        except DataError as error:
            errors.append(error)
            continue
        found += sources
        problems += [problem for problem in new if problem not in problems]
    if not found or (tasks and errors):
        raise errors[0]
    if not options.sources:
        return found, problems
    names = list(dict.fromkeys(source.name for source in found))
    for name in options.sources:
        if name not in names:
            broken = next((problem for problem in problems if basename(problem.file.rstrip("/")) == name), None)
            there_are = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
            missing = f"{data_dir or 'the sample'}: no source {shown(name)} (there are {there_are})"
            raise DataError(str(broken or missing))
    return [source for source in found if source.name in options.sources], problems
