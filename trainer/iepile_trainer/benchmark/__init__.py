"""Systems on all sources of a corpus: the same rows, the same scorer, tables to publish.

`rows` asks the corpus, `systems` are models, endpoints and the baselines that need no weights, `run` answers and
scores, `tables` writes what came out, `published.yaml` holds the figures of others.
"""
