"""Annotated text → instructions for schema-based information extraction."""

from .instruct import instructions
from .options import Options
from .problems import DataError, Problem
from .register import register
from .schema import Schema, parse_schema

__all__ = ["DataError", "Options", "Problem", "Schema", "instructions", "parse_schema", "register"]
