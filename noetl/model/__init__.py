"""Frozen data: the checked playbook and the events of a run. Knows neither YAML nor Jinja2."""
