"""One training: rows, a model and its configuration in; a run folder out."""
