"""What a prediction can be told."""

from dataclasses import dataclass, field

from ..extraction.arguments import EngineArguments
from .inputs import FORMATS


@dataclass
class PredictArguments(EngineArguments):
    """What to answer, with which model, and where to."""

    input: str = field(
        default="iepile",
        metadata={
            "help": "A file of rows, records or texts (JSON lines, CSV, TSV, plain text), - for standard input, a "
            "prepared folder, the folder of a source, a Hub id, or `iepile`."
        },
    )
    output: str | None = field(
        default=None, metadata={"help": "File to write; predictions.jsonl in the run folder by default."}
    )
    task: list[str] | None = field(
        default=None, metadata={"help": "Tasks (configurations), one or several.", "aliases": ["--config", "--tasks"]}
    )
    split: str = field(default="test", metadata={"help": "Split to answer; slices such as test[:100] work."})
    source: list[str] | None = field(default=None, metadata={"help": "Only these sources."})
    language: str | None = field(
        default=None,
        metadata={"help": "Only this language; of texts, the prompt's, else told from each.", "choices": ["en", "zh"]},
    )
    data_dir: str | None = field(default=None, metadata={"help": "A corpus tree of your own, for `iepile`."})
    data_files: list[str] | None = field(default=None, metadata={"help": "Annotated files: paths, or split=path."})
    max_rows: int | None = field(
        default=None, metadata={"help": "Only the first so many rows (whole records), or texts."}
    )
    schema: str | None = field(
        default=None,
        metadata={"help": "What to look for in texts: labels with commas, JSON, or a file; schema.json beside them."},
    )
    input_format: str = field(default="auto", metadata={"help": "Of a file of texts.", "choices": list(FORMATS)})
    text_column: str = field(default="text", metadata={"help": "The column, or key, that holds the text."})
    whole: bool = field(default=False, metadata={"help": "A file of plain text is one document, not one a line."})
    extract: bool = field(
        default=False, metadata={"help": "Write extractions for annotated records too, instead of rows to score."}
    )
    confidence: bool = field(default=True, metadata={"help": "Say how sure the model is of each unit."})
    max_prompt_tokens: int | None = field(
        default=None,
        metadata={
            "help": "Cut texts into windows so that no instruction is longer; where texts are extracted from, by "
            "default as long as those of the model's training."
        },
    )
    orders: int = field(default=1, metadata={"help": "Ask each row under so many orders of its labels."})
    split_nums: list[int] | None = field(
        default=None, metadata={"help": "Ask annotated records in batches of each of these sizes, such as 1 4 8."}
    )
    base_url: str | None = field(default=None, metadata={"help": "The server's address, for --backend openai."})
    concurrency: int = field(default=16, metadata={"help": "Requests to a server at once."})
    timeout: float = field(default=120.0, metadata={"help": "Seconds that a request to a server may take."})
    retries: int = field(default=6, metadata={"help": "Times that a failed request is sent again."})
    overwrite: bool = field(default=False, metadata={"help": "Start anew where --output is there already."})
    retry_failed: bool = field(default=False, metadata={"help": "Answer the rows with an error again."})
