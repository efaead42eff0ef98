"""Records → rows: what is asked of a text, its answer, and the way back from a row to its annotation."""
