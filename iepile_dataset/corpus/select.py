"""The sources of several tasks at once."""

import os
from collections.abc import Sequence
from dataclasses import replace

from ..errors import DataError, Problem
from ..options import Selection
from ..tasks import TASKS, task_named
from .sources import Source, find_sources, named

__all__ = ["choose_sources"]


def choose_sources(
    tasks: str | Sequence[str], options: Selection, data_dir: str | os.PathLike[str] | None = None
) -> tuple[list[Source], list[Problem]]:
    """The sources of a corpus for some tasks, in the order of the task table, and what keeps others from it.

    Args:
        tasks: A name or several, in any case; empty for all that the corpus serves.
        options: Which of them are meant; `Options` will do.
        data_dir: A corpus tree or one of its folders; None for the embedded sample.

    Raises:
        DataError: No source for a task that was named, or for any where none was.

    >>> sources, problems = choose_sources(["ner"], Selection(language="zh"))
    >>> [source.key for source in sources], problems
    (['zh/NER/chengshi_xinwen', 'zh/NER/wanggou_pinglun'], [])
    """
    tasks = (tasks,) if isinstance(tasks, str) and tasks else tasks
    root = None if data_dir is None else os.fspath(data_dir)
    sources: list[Source] = []
    problems: list[Problem] = []
    errors = []
    everything = replace(options, source=None)  # a source that one task lacks, another may have
    for name in dict.fromkeys(task_named(task).name.lower() for task in tasks or TASKS):
        try:
            served, new = find_sources(TASKS[name], everything, root)
        except DataError as error:
            errors.append(error)
            continue
        sources += served
        problems += [problem for problem in new if problem not in problems]
    if not sources or (tasks and errors):
        raise errors[0]
    return named(sources, problems, options, f"{root or 'the sample'}: no source"), problems
