"""The playbook language: from text to a checked playbook, or to the problems of it. Knows no machine and no action."""

from noetl.language.coercion import coerce_inputs
from noetl.language.load import check, examine, load, parse
from noetl.language.schema import ActionShape

__all__ = ["ActionShape", "check", "coerce_inputs", "examine", "load", "parse"]
