# /// script
# requires-python = ">=3.11"
# dependencies = ["iepile[train,constrain,clean,openai]"]
# ///
"""Any command of iepile as a job of the Hub: `hf jobs uv run jobs/command.py prepare …`, see docs/scale.md."""

from iepile.cli import main

if __name__ == "__main__":
    main()
