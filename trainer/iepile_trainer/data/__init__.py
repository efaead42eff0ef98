"""Rows to train and to validate on: loaded, mixed, split."""
