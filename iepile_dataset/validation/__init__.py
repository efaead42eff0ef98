"""Do files fit their formats, and do they mean what they say?"""

from .report import Report
from .validate import validate

__all__ = ["Report", "validate"]
