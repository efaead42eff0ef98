"""The site builds without a warning, and nothing in it is fetched from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

REPO = Path(__file__).parents[2]
# What a browser fetches by itself, unlike a link.
_FETCHED = re.compile(r"""<(?:script|img|iframe)\b[^>]*\bsrc=["']?(?:https?:)?//|<link\b(?![^>]*rel=["']?canonical)[^>]*\bhref=["']?(?:https?:)?//|@import|url\(["']?(?:https?:)?//""")  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    roots = [str(REPO), str(REPO / "trainer"), str(REPO / "cards"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": os.pathsep.join(roots)}
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_there(site):
    sources = [path.relative_to(REPO / "docs").with_suffix("") for path in REPO.glob("docs/**/*.md")]
    pages = [site / ("index.html" if str(name) == "index" else f"{name}/index.html") for name in sources]
    pages += [site / name / "index.html" for name in ("contributing", "changes", "reference/commands")]
    assert all(page.is_file() for page in pages)


def test_nothing_is_fetched_from_elsewhere(site):
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert files
    assert [file for file in files if _FETCHED.search(file.read_text("utf-8"))] == []


def test_the_commands_have_their_options(site):
    page = (site / "reference" / "commands" / "index.html").read_text("utf-8")
    assert all(word in page for word in ("iepile prepare", "--max-prompt-tokens", "iepile push dataset", "--dry-run"))
