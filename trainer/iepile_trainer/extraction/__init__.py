"""One text and a schema → typed results with their places."""
