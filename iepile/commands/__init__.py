"""The commands of `iepile`, one module each; `predict` and `serve` are the trainer's own."""
