import os
import subprocess
import sys

import pytest
import typer
from rich.text import Text

from iepile.cli import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_of_each_what_it_says_itself(name):
    group = typer.main.get_command(app)
    assert (listed := group.commands[name]).help
    _, command, _ = group.resolve_command(None, [name])
    assert command.name == name
    assert " ".join(command.help.partition("\n\n")[0].split()) == listed.help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_its_texts_whole(name):
    waiting = [typer.main.get_command(app).resolve_command(None, [name])[1]]
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        for text in [command.help, *(parameter.help for parameter in command.params if hasattr(parameter, "help"))]:
            assert Text.from_markup(text or "").plain == (text or "")


def test_help_and_version_import_no_command():
    code = """
import sys
from iepile.cli import main
try: main()
except SystemExit: pass
print([name for name in sys.modules if name.startswith(("iepile.commands.", "iepile_"))])
"""
    for option in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


def test_what_a_terminal_cannot_show_ends_no_command(tmp_path):
    text = '{"id": "1", "task": "NER", "output": "{\\"\u4eba\u7269\\": [\\"\u738b\\"]}", "label": "[]"}\n'
    (tmp_path / "answers.jsonl").write_text(text, "utf-8")
    words = [sys.executable, "-m", "iepile.cli", "score", str(tmp_path / "answers.jsonl")]
    done = subprocess.run(words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"NER" in done.stdout
