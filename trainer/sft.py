"""Launcher for a clone: `accelerate launch trainer/sft.py --config lora`; see `iepile_trainer.sft`."""

from iepile_trainer.sft import main

main()
