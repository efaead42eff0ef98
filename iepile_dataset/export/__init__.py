"""Rows → a folder that anyone can load: Parquet or JSON lines, README, manifest."""
