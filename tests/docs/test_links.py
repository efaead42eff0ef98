"""What the pages point at is there: pages and their headings, files, tests, modules and what is in them."""

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

REPO = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(str(path.relative_to(REPO)) for path in REPO.glob("docs/**/*.md"))]

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FILE = re.compile(r"`((?:tests|trainer|cards|docs|benchmarks|iepile\w*|\.github)/[\w./-]+)(?:::(\w+))?`")
_NAME = re.compile(r"`(iepile(?:_dataset|_metric|_trainer|_cards)?(?:\.\w+)+)`")


def prose(page):
    """A page without its blocks of code."""
    return re.sub(r"^( *)```.*?^\1```", "", (REPO / page).read_text("utf-8"), flags=re.M | re.S)


def anchors(page):
    """The anchors of a page's headings, as the site and GitHub make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (REPO / page).parent / path if path else REPO / page
        assert file.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(file.resolve().relative_to(REPO)), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_named_files_and_tests_are_there(page):
    for name, test in _FILE.findall(prose(page)):
        assert (REPO / name).exists(), f"{page}: {name}"
        assert not test or re.search(rf"^ *def {test}\(", (REPO / name).read_text("utf-8"), re.M), f"{name}::{test}"


@pytest.mark.parametrize("page", PAGES)
def test_named_modules_and_what_is_in_them_are_there(page):
    for name in _NAME.findall(prose(page)):
        resolve_name(name)
