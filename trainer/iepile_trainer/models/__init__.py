"""Models and tokenizers: loaded, merged, or new; how long a text they have learnt to read."""
