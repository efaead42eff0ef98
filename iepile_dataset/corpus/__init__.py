"""Files → records: the sources of a corpus, their shards, and whether a record fits its source."""
