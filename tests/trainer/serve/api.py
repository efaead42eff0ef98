"""Every request that the server's OpenAPI description allows, and many that it does not: `make test-api`.

Starts `iepile serve` with a small random model, and schemathesis, which lies in an environment of its own, asks:

    python tests/trainer/serve/api.py path/to/schemathesis [its options]
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from serve import random_model

# What JSON Schema cannot say: lists with one for each text are as long as the texts, and what is given for one that is
# no string is not looked at.
HOOKS = """
import schemathesis

@schemathesis.hook
def filter_case(context, case):
    body = case.body if isinstance(case.body, dict) else {}
    if not isinstance(texts := body.get("texts"), list):
        return True
    lists = [each for each in (body.get("schema"), body.get("triggers")) if isinstance(each, list)]
    lists = [each for each in lists if not any(isinstance(item, str) for item in each)]
    return all(len(each) == len(texts) and all(isinstance(text, str) for text in texts) for each in lists)
"""


def main(schemathesis: str, *words: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        random_model(folder)
        Path(folder, "hooks.py").write_text(HOOKS)
        command = [
            sys.executable,
            "-m",
            "iepile.cli",
            "serve",
            "--model",
            folder,
            "--port",
            "0",
            "--max_new_tokens",
            "8",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                address = re.match(r"(http://127\.0\.0\.1:\d+)/docs", server.stdout.readline())[1]
                asking = [str(Path(schemathesis).absolute()), "run", f"{address}/openapi.json", "--checks", "all"]
                env = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks"}
                return subprocess.run([*asking, "--continue-on-failure", *words], cwd=folder, env=env).returncode
            finally:
                server.terminate()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
