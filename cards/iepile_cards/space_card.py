"""The cards of the metric and of the app, which are Spaces, from facts about their code.

Facts are plain JSON that the caller collects (`iepile.cards`): this package imports none of the others.
"""

from collections.abc import Mapping
from typing import Any

from .card import Page
from .template import citation


def metric_page(facts: Mapping[str, Any], repo: str | None = None) -> Page:
    """The page of the metric.

    Args:
        facts: `version`, `tasks`, `match`, `count`, `parse`, `requirements`, `example`, `sdk_version`.
        repo: Its name on the Hub, for the lines that say how to load it.
    """
    name = (repo or "iepile_f1").rpartition("/")[2]
    return _page("metric", name, "📏", ["evaluate", "metric", "information-extraction"], facts, repo or name)


def app_page(facts: Mapping[str, Any], repo: str | None = None) -> Page:
    """The page of the app.

    Args:
        facts: `version`, `requirements`, `sdk_version`.
        repo: Its name on the Hub.
    """
    name = (repo or "iepile").rpartition("/")[2]
    return _page("app", name, "🔎", ["information-extraction", "iepile"], facts, repo or name)


def _page(kind: str, name: str, emoji: str, tags: list[str], facts: Mapping[str, Any], repo: str) -> Page:
    from huggingface_hub import SpaceCardData

    head = SpaceCardData(
        title=name,
        emoji=emoji,
        colorFrom="blue",
        colorTo="green",
        sdk="gradio",
        sdk_version=facts.get("sdk_version"),
        app_file="app.py",
        pinned=False,
        license="apache-2.0",
        tags=tags,
    )
    sourced = {"name": (name, "repo name"), "repo": (repo, "repo"), "facts": (facts, "iepile ")}
    return Page(kind, head, {"citation": citation()}, sourced, {"title": "the repository's name"})
