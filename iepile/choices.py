"""Arguments that several commands share."""

from typing import Annotated

import typer

Corpus = Annotated[
    str | None,
    typer.Argument(
        help="A corpus tree (IE-en/NER/<source>/train.json …), one of its folders, or one source, local or hf://…; "
        "the embedded sample where left out.",
        show_default=False,
    ),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task", help="ner, re, ee, eet, eea, spo or kg; again for several. Default: all.", show_default=False
    ),
]
Language = Annotated[str | None, typer.Option(help="en or zh. Default: both.", show_default=False)]
Sources = Annotated[
    list[str] | None, typer.Option("--source", help="Only this source; again for several.", show_default=False)
]
