"""One module a format: how it is recognised, read and, where it can hold our annotation, written."""
