"""Launcher for a clone: `python trainer/predict.py --model runs/lora --input rows.jsonl`; see `iepile_trainer`."""

from iepile_trainer.predict import main

main()
