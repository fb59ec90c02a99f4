"""Advice: pasted text in commands and statements, secrets that stand in the playbook, actions without a timeout."""

from __future__ import annotations

import json

import pytest
from checking import found

SHELL = {
    "quoted": ("wc {{ file | sh }} {{ file|default('a')|sh }}", []),
    "unquoted": ("wc {{ file }} {{ file | sh }} '{{ file }}'", ["{{ file }}", "{{ file }}"]),
    "quoted-too-early": ("wc {{ file | sh | upper }}", ["{{ file | sh | upper }}"]),
    "each-of-a-list-quoted": ("wc {{ files | map('sh') | join(' ') }}", []),
    "each-of-a-list-unquoted": ("wc {{ files | join(' ') }}", ["{{ files | join(' ') }}"]),
    "a-default": ("wc {{ count | default(3) }} {{ file | default('a') }}", ["{{ file | default('a') }}"]),
    "parts": ("wc {{ files[0] }} {{ files[0].name }}", ["{{ files[0] }}", "{{ files[0].name }}"]),
    "in-a-block": ("{% for f in files %}wc {{ f }};{% endfor %}", ["{{ f }}"]),
    "numbers": (
        "head -n {{ 3 }} -c {{ n + 1 }} {{ (n * 2) | int }} {{ (n | int) * 2 }} {{ loop.index % 2 }} {{ files | length }} {{ loop.index }}",
        [],
    ),
    "numbers-or-not": ("head -n {{ n * 2 }} {{ n }} {{ -n }} {{ n - 1 }}", ["{{ n * 2 }}", "{{ n }}"]),
    "an-input-that-is-a-number": ("head -n {{ count }} {{ inputs.count }}", []),
    "an-input-that-a-variable-hides": ("head -n {{ hidden }} {{ inputs.hidden }}", ["{{ hidden }}"]),
    "the-author's-own-text": ("ls {{ '-l' if n > 1 else '-a' }} {{ 'x' ~ count }}", []),
    "the-author's-text-or-other": ("ls {{ '-l' if n > 1 else file }}", ["{{ '-l' if n > 1 else file }}"]),
    "truths": ("test {{ n > 1 }} {{ not n }} {{ n is none }} {{ n > 1 and count }}", []),
    "ids": ("mkdir {{ execution.id }} {{ uuid() }} {{ file | sha256 }}", []),
    "a-command-from-elsewhere": ("{{ file }}", []),
    "a-command-that-is-put-together": ("{{ 'wc ' ~ file }}", ["{{ 'wc ' ~ file }}"]),
    "braces-in-a-text": ("wc {{ '}}' ~ (file | sh) }} {{ '}}' ~ file }}", ["{{ '}}' ~ file }}"]),
    "raw": ("docker ps --format '{% raw %}{{ .Names }}{% endraw %}' {{ file }}", ["{{ file }}"]),
    "lines": ("ls\nwc {{ file }}\nls {{ 'a'\n| sh }}", ["{{ file }}"]),
}

SQL = {
    "an-identifier": ("SELECT * FROM {{ file | ident }}", []),
    "a-value": ("SELECT * FROM t WHERE a = {{ file }}", ["{{ file }}"]),
    "a-value-quoted-for-a-shell": ("SELECT {{ file | sh }}", ["{{ file | sh }}"]),
    "a-number": ("SELECT * FROM t LIMIT {{ n | int }} OFFSET {{ count }}", []),
    "a-choice": ("SELECT * FROM t ORDER BY a {{ 'DESC' if n > 1 else 'ASC' }}", []),
    "a-statement-from-elsewhere": (" {{ file }} ", []),
}

SECRETS = {
    "a-password": ({"password": "hunter2hunter2"}, ["hunter2hunter2"]),
    "in-camel-case": ({"clientSecret": "a1b2c3d4e5"}, ["a1b2c3d4e5"]),
    "in-a-header": ({"X-Api-Key": "a1b2c3d4e5"}, ["a1b2c3d4e5"]),
    "deep-inside": ({"auth": {"basic": {"username": "a", "password": "s3cr3ts0uce"}}}, ["s3cr3ts0uce"]),
    "in-a-list": ({"token": ["a1b2c3d4e5"]}, ["a1b2c3d4e5"]),
    "in-a-url": ({"database": "postgres://me:s0methingL0ng@host/db"}, ["postgres://me:s0methingL0ng@host/db"]),
    "of-a-known-issuer": ({"note": "key AKIAQ2W3E4R5T6Y7U8I9"}, ["key AKIAQ2W3E4R5T6Y7U8I9"]),
    "a-template": ({"password": "{{ file }}", "token": "Bearer {{ file }}"}, []),
    "a-placeholder": ({"password": "changeme123", "token": "<token-0001>", "secret": "your-secret-1"}, []),
    "an-example-of-an-issuer": ({"key": "AKIAIOSFODNN7EXAMPLE"}, []),
    "a-local-password": ({"database": "postgres://postgres:postgres@localhost/db"}, []),
    "a-word": ({"token": "continuation", "secret": "none"}, []),
    "too-short": ({"pin_token": "a1b2"}, []),
    "a-path-or-an-address": ({"secret": "/run/secrets/token1", "token": "https://a.example/t0ken"}, []),
    "another-key": ({"token_url": "a1b2c3d4e5", "max_tokens": "1000000000", "monkey": "a1b2c3d4e5"}, []),
    "not-a-text": ({"password": None, "token": 12345678}, []),
}

TIMEOUTS = {
    "of-the-action": ("", "{action: shell, cmd: [ls], timeout: 1s}", []),
    "of-the-step": ("timeout: 1m, ", "{action: shell, cmd: [ls]}", []),
    "of-the-step-for-a-task": ("timeout: 1m, ", "{task: plain}", []),
    "of-the-call": ("", "{task: plain, timeout: 1s}", []),
    "of-a-call-of-a-call": ("", "{task: outer, timeout: 1s}", []),
    "of-the-inner-call": ("", "{task: bounded}", []),
    "of-no-one": ("", "{action: shell, cmd: [ls]}", ["shell"]),
    "of-no-one-in-a-task": ("", "{task: plain}", ["python"]),
    "of-no-one-in-a-task-of-a-task": ("", "{task: outer}", ["python"]),
    "not-needed": ("", "{action: set, values: {a: 1}}, {action: wait, for: 1s}, {action: noop}", []),
    "for-an-event": ("", "{action: wait, event: go}", ["wait"]),
    "of-the-fallback": ("", "{action: shell, cmd: [ls], timeout: 1s, fallback: plain}", ["python"]),
}


def _with_options(action: str, options: dict[str, object]) -> str:
    return f"""
        inputs: {{file: {{type: string}}, count: {{type: integer}}, hidden: {{type: integer}}}}
        context: {{n: 0, files: [], hidden: "{{{{ inputs.hidden }}}}", all: "{{{{ inputs }}}}"}}
        steps:
          - name: Load
            run: [{json.dumps({"action": action, **options})}]
        """


def _told(code: str, problems: list[str]) -> list[str]:
    """What the warnings of one code point at; there may be no other problem."""
    assert all(problem.startswith(f"{code}: ") for problem in problems), problems
    return [problem.removeprefix(f"{code}: ") for problem in problems]


@pytest.mark.parametrize(("command", "expected"), [pytest.param(*case, id=name) for name, case in SHELL.items()])
def test_what_a_shell_reads_should_be_quoted(command: str, expected: list[str]) -> None:
    problems = found(_with_options("shell", {"cmd": command}))
    assert _told("unquoted-in-shell", problems) == expected


def test_a_command_without_a_shell_needs_no_quotes() -> None:
    assert found(_with_options("shell", {"cmd": ["wc", "{{ file }}"], "stdin": "{{ file }}"})) == []


@pytest.mark.parametrize(("query", "expected"), [pytest.param(*case, id=name) for name, case in SQL.items()])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(lambda query: {"query": query}, id="query"),
        pytest.param(lambda query: {"queries": ["SELECT 1", query]}, id="queries"),
        pytest.param(lambda query: {"queries": [{"query": query, "params": ["{{ file }}"]}]}, id="with-params"),
    ],
)
def test_values_should_not_be_pasted_into_statements(options: object, query: str, expected: list[str]) -> None:
    assert callable(options)
    problems = found(_with_options("postgres", options(query)))
    assert _told("pasted-into-sql", problems) == expected


@pytest.mark.parametrize(("values", "expected"), [pytest.param(*case, id=name) for name, case in SECRETS.items()])
@pytest.mark.parametrize("key", ["json", "body"])
def test_what_looks_like_a_secret_is_told(key: str, values: dict[str, object], expected: list[str]) -> None:
    problems = found(_with_options("http", {"url": "https://shop.example", key: values}))
    assert _told("literal-secret", problems) == expected


def test_secrets_are_looked_for_wherever_literals_stand() -> None:
    body = """
        inputs:
          token: {default: a1b2c3d4e5}
        environment:
          password: b1b2c3d4e5
        context:
          api_key: c1b2c3d4e5
        tasks:
          - name: call
            args: {secret: d1b2c3d4e5}
            run: [{action: log, message: "{{ secret }} {{ token }} {{ auth_token }}"}]
        steps:
          - name: Load
            run: [{task: call, with: {auth_token: e1b2c3d4e5}}]
        """
    assert found(body) == [f"literal-secret: {letter}1b2c3d4e5" for letter in "abcde"]


@pytest.mark.parametrize(
    ("step", "work", "expected"), [pytest.param(*case, id=name) for name, case in TIMEOUTS.items()]
)
def test_an_action_that_nothing_bounds_is_told_when_asked(step: str, work: str, expected: list[str]) -> None:
    body = f"""
        tasks:
          - {{name: plain, run: [{{action: python, code: return 1}}]}}
          - {{name: outer, run: [{{task: plain}}]}}
          - {{name: bounded, run: [{{task: plain, timeout: 1s}}]}}
        steps: [{{name: Load, {step}run: [{work}]}}]
        """
    problems = [problem for problem in found(body, strict=True) if not problem.startswith("unused-task")]
    assert _told("no-timeout", problems) == expected
    assert not any(problem.startswith("no-timeout") for problem in found(body))


def test_a_deadline_of_the_run_bounds_every_action() -> None:
    body = """
        timeout: 1h
        steps: [{name: Load, run: [{action: shell, cmd: [ls]}]}]
        """
    assert found(body, strict=True) == []
