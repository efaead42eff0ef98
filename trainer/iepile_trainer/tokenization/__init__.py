"""Rows → token ids, prompt and answer apart, and a report of what did not fit."""
