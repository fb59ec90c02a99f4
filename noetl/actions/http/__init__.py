"""The `http` action: one request, or one for each page, its answer as data or as a file."""

from noetl.actions.http.handler import HttpHandler

__all__ = ["HttpHandler"]
