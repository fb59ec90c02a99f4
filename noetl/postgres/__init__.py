"""Postgres servers: how one is addressed, why one could not be reached, and the one that noetl brings itself.

Knows neither actions nor the event log, which both use it.
"""
