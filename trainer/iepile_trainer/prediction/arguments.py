"""The options of a prediction: what to answer and where to, beside those of the engine and of extraction."""

from dataclasses import dataclass
from math import inf

from ..command_line import option
from ..extraction.arguments import ExtractionOptions

__all__ = ["FORMATS", "STDIN", "PredictArguments"]

FORMATS = ("auto", "jsonl", "text", "csv", "tsv")
STDIN = "-"


@dataclass(frozen=True)
class PredictArguments(ExtractionOptions):
    """What to answer, with which model, and where to."""

    input: str = option(
        "iepile",
        "A file of rows, records or texts (JSON lines, CSV, TSV, plain text; packed or not, here or at an address such "
        "as s3://…), - for standard input, a prepared folder, the folder of a source, a Hub id, or `iepile`.",
    )
    output: str | None = option(None, "File to write, or its address; predictions.jsonl in the run folder by default.")
    task: list[str] | None = option(None, "Tasks (configurations), one or several.", aliases=["--config", "--tasks"])
    split: str = option("test", "Split to answer; slices such as test[:100] work.")
    source: list[str] | None = option(None, "Only these sources.")
    language: str | None = option(
        None, "Only this language; of texts, the prompt's, else told from each.", choices=("en", "zh")
    )
    data_dir: str | None = option(None, "A corpus tree of your own, for `iepile`.")
    data_files: list[str] | None = option(None, "Annotated files: paths, or split=path.")
    max_rows: int | None = option(None, "Only the first so many rows (whole records), or texts.", range=(1, inf))
    schema: str | None = option(
        None, "What to look for in texts: labels with commas, JSON, or a file; schema.json beside them."
    )
    input_format: str = option("auto", "Of a file of texts.", choices=FORMATS)
    text_column: str = option("text", "The column, or key, that holds the text.")
    whole: bool = option(False, "A file of plain text is one document, not one a line.")
    extract: bool = option(False, "Write extractions for annotated records too, instead of rows to score.")
    orders: int = option(1, "Ask each row under so many orders of its labels.", range=(1, inf))
    split_nums: list[int] | None = option(
        None, "Ask annotated records in batches of each of these sizes, such as 1 4 8."
    )
    overwrite: bool = option(False, "Start anew where --output is there already.")
    retry_failed: bool = option(False, "Answer the rows with an error again.")
