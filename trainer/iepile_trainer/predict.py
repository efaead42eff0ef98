r"""Answer instructions, or extract from texts, with a trained model; writes JSON lines.

# The test split of the sample corpus: rows with the model's text in `output`, for `iepile score`
```bash
python trainer/predict.py --model runs/tiny --input iepile --task ner --split test --output runs/tiny/predictions.jsonl
```

# A corpus of your own, a prepared folder, a file of rows or of annotated records with schema.json beside it
```bash
python trainer/predict.py --model runs/lora --input iepile --task re --data_dir path/to/corpus
python trainer/predict.py --model runs/lora --input path/to/prepared --task re --split test
python trainer/predict.py --model base-model --adapter runs/lora --input rows.jsonl --output answers.jsonl
```

# Texts without annotation: plain text, CSV, TSV, JSON lines, standard input
```bash
python trainer/predict.py --model runs/lora --input letters.txt --schema person,location --output found.jsonl
python trainer/predict.py --model runs/lora --input cases.csv --task ee --schema schema.json --output found.jsonl
echo "Ada lives in Ulm." | iepile predict --model runs/lora --input - --schema person,city --output found.jsonl
```

Each line of the output is one line of the input with its own keys and `extractions`: label, text, start, end (in
characters), confidence; `raw` holds the model's answers, `lost` what was left out of them, such as mentions that the
text does not hold. What got no answer, or one that was cut off or could not be read, has an `error`. The output is
written line by line; the same command after an interruption goes on with what is missing.
"""

import sys

from .command_line import run
from .engines.transformers_engine import predict
from .errors import TrainerError
from .prediction.arguments import PredictArguments

__all__ = ["PredictArguments", "command", "main", "predict"]


def main(argv: list[str] | None = None) -> None:
    """Predict as the command line says."""
    run(command, argv, prog="predict")


def command(options: PredictArguments) -> None:
    """Answer instructions, or extract from texts, with a trained model, as JSON lines.

    The same command after an interruption goes on with what is missing.

        iepile predict --model runs/lora --input iepile --task ner --split test

        iepile predict --model runs/lora --input letters.txt --schema person,location --output found.jsonl
    """
    from iepile_dataset import DataError
    from iepile_dataset.errors import visible

    from .prediction.run import run_prediction

    try:
        summary = run_prediction(options)
    except (TrainerError, DataError, OSError) as problem:
        sys.exit(f"error: {visible(str(problem))}")
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on after the last row", file=sys.stderr)
        sys.exit(130)
    if summary is None:  # another of several processes was the last
        return
    print(visible(str(summary)))
    if summary.read and not summary.answered:
        sys.exit("error: nothing was answered without an error, see the reasons above")


if __name__ == "__main__":
    main()
