"""Extraction for programs: an address of the page's server, and a tool of the Model Context Protocol."""

import json

from iepile_dataset import DataError
from iepile_dataset.corpus.sources import language_of
from iepile_dataset.tasks import task_named
from iepile_trainer.errors import TrainerError

from .schema_input import schema_from
from .session import DEFAULT, Model, answers, ask


def offer(model: Model) -> None:
    """Offer `/extract`; inside `gr.Blocks`. Each request waits its turn for the model, as a visitor's does."""
    import gradio as gr

    def extract(text: str, labels: str, task: str = "ner", language: str = "") -> str:
        """Find in a text what a schema asks for: entities, relations or events, each with its place in the text.

        Args:
            text: The text, in English or Chinese.
            labels: What to look for, separated by commas, such as: person, place. For events a line each: type: roles.
            task: ner (entities), re (relations), ee (events), eet, eea, spo or kg.
            language: Of the prompt, en or zh; told from the text where empty.

        Returns:
            JSON: `extractions`, their places as characters; `error`, why there is no answer; `lost`, what was left out.
        """
        try:
            if model.is_missing:
                raise TrainerError(f"there is no model at {DEFAULT} (start the page with --model RUN)")
            entry = task_named(task)
            extractor = model.extractor()
            spoken = language or language_of(text)
            asked = ask(text, schema_from(labels, entry), entry.name.lower(), spoken, None, extractor)
            for _ in answers(asked, extractor):
                pass
            return json.dumps(asked.extraction(extractor).as_dict(), ensure_ascii=False)
        except (DataError, TrainerError, OSError) as problem:
            raise gr.Error(str(problem), print_exception=False) from None

    gr.api(extract, api_name="extract", concurrency_limit=1, concurrency_id="model")
