"""The commands of `iepile`, one module each."""
