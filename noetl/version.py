"""The version of noetl, here and not asked of the installation: to read that takes as long as many steps of a run."""

VERSION = "0.1.0"
