"""A sample project, small enough to be read in a breath."""


def greet(name: str) -> str:
    return f"Hello, {name.strip() or 'world'}!"
