"""The terminal's face of noetl. Holds no logic that another face needs."""
