"""The checks of a whole playbook, a kind of question to each module. They read the model, never YAML."""
