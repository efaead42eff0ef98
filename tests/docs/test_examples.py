"""Every block of code in README.md, CONTRIBUTING.md and docs/ runs, or says above itself why it does not.

`python` and `bash` blocks run; `pycon` and `console` blocks must print what they show (`…` stands for anything, runs of
white space are alike); `json`, `jsonl` and `yaml` blocks must parse; the added lines of a `diff` stand in their file.
Above a block that is not run stands `<!-- not run: reason -->`, or `<!-- run by: tests/… -->`.

Pages of one folder are read one after the other, in one folder and one namespace, as a reader goes through them. Lines
that start with `iepile` run in this process; training and prediction are cut short, and MODEL is a small model.
"""

import ast
import io
import json
import os
import re
import shlex
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, DocTestParser, DocTestRunner
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

pytestmark = pytest.mark.slow

REPO = Path(__file__).parents[2]
GUIDES = [
    "start",
    "data",
    "exchange",
    "train",
    "predict",
    "scale",
    "score",
    "publish",
    "formats",
    "metrics",
    "original",
    "moving-over",
    "architecture",
]
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{name}.md" for name in GUIDES)]
SHOWN = {"text", "mermaid", "jinja"}  # nothing to run
SHORTER = {"train": ["--max-steps", "4"], "predict": ["--max-new-tokens", "8"]}

_BLOCK = re.compile(r"^( *)```([\w-]*)[^\n]*\n(.*?)^\1```[ \t]*$", re.M | re.S)
_NOT_RUN = re.compile(r"<!-- (?:not run: \S.*|run by: (\S+)) -->\s*\Z")


class Block(NamedTuple):
    """A fenced block of a page; `reason` is why it is not run here."""

    place: str
    language: str
    text: str
    reason: str


def blocks(page):
    text = (REPO / page).read_text("utf-8")
    for match in _BLOCK.finditer(text):
        body = "".join(line.removeprefix(match[1]) for line in match[3].splitlines(keepends=True))
        above = _NOT_RUN.search(text[: match.start()])
        if above and above[1]:
            assert (REPO / above[1]).exists(), f"{page}: {above[0]} is not there"
        place = f"{page}:{text.count(chr(10), 0, match.start()) + 1}"
        yield Block(place, match[2], body, above[0] if above else "")


class Reader:
    """Somebody who tries what the pages say, in a folder with the sample corpus."""

    def __init__(self, folder, model):
        import iepile_dataset

        self.folder, self.model = folder, model
        self.read: set[str] = set()
        gold = '[{"entity": "Ada", "entity_type": "person"}]'
        self.names = {"__name__": "__main__", "answers": ['{"person": ["Ada"]}'], "labels": [gold]}
        os.symlink(Path(iepile_dataset.__file__).parent / "sample", folder / "my_corpus")

    def reads(self, page):
        self.read.add(page)
        problems = []
        for block in blocks(page):
            assert block.language, f"{block.place}: a block without a language"
            if block.reason or block.language in SHOWN:
                continue
            try:
                getattr(self, block.language)(block.text, block.place)
            except (Exception, SystemExit) as problem:
                problems.append(f"{block.place}: {type(problem).__name__}: {problem}\n{block.text}")
        assert not problems, "\n".join(problems)

    def python(self, text, place):
        with redirect_stdout(io.StringIO()):
            exec(compile(text, place, "exec"), self.names)

    def pycon(self, text, place):
        test = DocTestParser().get_doctest(text, self.names, place, place, 0)
        said = io.StringIO()
        runner = DocTestRunner(optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)
        result = runner.run(test, out=said.write, clear_globs=False)
        assert not result.failed, said.getvalue()
        self.names |= test.globs

    def bash(self, text, place):
        for command in commands(text):
            self.run(command)

    def console(self, text, place):
        parts = re.split(r"^\$ ", text, flags=re.M)
        assert not parts[0], "a console block starts with a command after `$ `"
        for part in parts[1:]:
            command, _, expected = part.partition("\n")
            said = self.run(command)
            pattern = r"\s+".join(map(re.escape, expected.split())).replace("…", ".*?")
            assert re.fullmatch(rf"\s*{pattern}\s*", said, re.S), f"{command}\nprinted\n{said}"

    def run(self, command):
        command = re.sub(r"\bMODEL\b", str(self.model), command)
        if command.startswith("iepile "):
            *words, sign, file = ["", *shlex.split(command, comments=True)]
            if sign != ">":
                return iepile([*words, sign, file][2:])
            return Path(file).write_text(iepile(words[2:]), "utf-8")
        done = subprocess.run(["bash", "-euc", command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, text, place):
        json.loads(text)

    def jsonl(self, text, place):
        assert [json.loads(line) for line in text.splitlines()]

    def yaml(self, text, place):
        assert yaml.safe_load(text)

    def diff(self, text, place):
        for part in re.split(r"^\+\+\+ b/", text, flags=re.M)[1:]:
            name, *lines = part.splitlines()
            source = (REPO / name).read_text("utf-8")
            assert [line for line in lines if line[:1] == "+"], f"{name}: nothing is added"
            for line in lines:
                assert line[:1] != "+" or line[1:] in source.splitlines(), f"{name} has no line {line[1:]!r}"


def commands(text):
    """The commands of a script: each a line, or several where it goes on or holds a document."""
    whole, end = "", None
    for line in text.splitlines():
        whole += line + "\n"
        if end is None and (begun := re.search(r"<<-?\s*'?(\w+)'?", line)):
            end = begun[1]
        elif end is None and not line.endswith("\\"):
            if whole.strip() and not whole.lstrip().startswith("#"):
                yield whole.replace("\\\n", " ").strip()
            whole = ""
        elif line == end:
            yield whole.strip()
            whole, end = "", None
    assert not whole, f"an unfinished command: {whole}"


def iepile(words):
    """What a command prints; a failure of the test where it fails."""
    from iepile.cli import app

    if "--dry-run" not in words and "--dry_run" not in words:
        words = words + SHORTER.get(words[0], [])
    said, code = io.StringIO(), 0
    with redirect_stdout(said), redirect_stderr(said):
        try:
            app(args=words, prog_name="iepile")
        except SystemExit as end:
            code = end.code
    assert not code, f"iepile {shlex.join(words)}: {code}\n{said.getvalue()}"
    return said.getvalue()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small model that has learnt nothing."""
    from datasets import load_dataset

    import iepile  # noqa: F401
    from iepile_trainer.formats import use_format
    from iepile_trainer.models.scratch import new_model, new_tokenizer

    tokenizer = new_tokenizer(load_dataset("iepile", "ner", split="train"), 600)
    use_format(tokenizer)
    folder = tmp_path_factory.mktemp("models") / "base"
    new_model(tokenizer, hidden=32, layers=1, positions=2048).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def readers(model, tmp_path_factory):
    """One reader for each folder of pages."""
    made = {}
    return lambda name: made.setdefault(name, Reader(tmp_path_factory.mktemp("reader"), model))


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_runs(page, readers, monkeypatch):
    guides = page.startswith("docs/")
    reader = readers("docs" if guides else page)
    monkeypatch.chdir(reader.folder)
    monkeypatch.setenv("COLUMNS", "100")
    for earlier in PAGES[: PAGES.index(page) + 1] if guides else [page]:
        if earlier.startswith("docs/") == guides and earlier not in reader.read:
            reader.reads(earlier)


def test_every_page_with_code_is_read():
    pages = {str(path.relative_to(REPO)) for path in REPO.glob("docs/**/*.md")} | {"README.md", "CONTRIBUTING.md"}
    assert {page for page in pages if any(block.language not in SHOWN for block in blocks(page))} <= set(PAGES)


def test_code_of_examples_is_python():
    for page in PAGES:
        for block in blocks(page):
            if block.language == "python":
                ast.parse(block.text, block.place)
