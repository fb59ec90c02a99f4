"""Ways to spoil a playbook: keys dropped or misspelt, types changed, the text cut off, bytes flipped. The same every time."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

SOUND = """\
apiVersion: noetl.io/v1
kind: Playbook
name: orders
version: 1.2
description: Load orders, reject bad ones, export the rest.
labels: {team: data}
inputs:
  threshold: {type: number, default: 100, minimum: 1, description: smallest order kept}
environment:
  database: "{{ env.DATABASE_URL | default('embedded') }}"
secrets: {token: env:SHOP_TOKEN}
context:
  kept: 0
  names: [a, "b c", 'd']
tasks:
  - name: create_table
    args: {table: orders}
    run:
      - action: postgres
        connection: "{{ database }}"
        query: CREATE TABLE IF NOT EXISTS orders (id int primary key)
        retry: {attempts: 5, delay: 500ms, on: [transient, 40001]}
  - {name: clean, run: [{action: shell, cmd: [rm, -f, "{{ kept }}.csv"]}]}
start: Load
timeout: 1h30m
on_error: abort
steps:
  - name: Load
    run:
      - {task: create_table, with: {table: orders}}
      - action: postgres
        connection: "{{ database }}"
        query: |
          SELECT count(*) FROM orders
          WHERE amount >= $1
        params: ["{{ threshold }}"]
        fetch: value
        as: kept
        fallback: clean
    rule:
      - case: "{{ result.success and kept > 0 }}"
        run: [{step: Export}, {step: Notify}]
      - case: result.failed and error.transient
        run: [Load]
      - case: default
        run: [{action: log, level: error, message: "load failed: {{ error.message }}"}]
  - name: Export
    loop: {items: "{{ names }}", as: file, parallel: 2}
    parallel: true
    run:
      - action: python
        code: |
          rows = {{ not a template }}
          return len(rows)
        args: {n: 1}
        runtime: isolated
      - {action: wait, for: 10s, when: kept > 1}
    rule: [{case: true, run: [{step: Done}]}]
  - name: Notify
    run: [{action: shell, cmd: "echo {{ kept }}", as: {line: "{{ data }}"}}]
    rule: [{case: true, run: [{step: Done}]}]
  - {name: Done, join: all, merge: last, run: [{action: set, values: {kept: "{{ kept + 1 }}"}}]}
outputs: {kept: "{{ kept }}"}
"""

_KEY = re.compile(r"(?<=[\s{,-])[A-Za-z_]+(?=:(?:\s|$))|^[A-Za-z_]+(?=:)", re.MULTILINE)
_VALUE = re.compile(r"(?<=: )[^\s{}\[\],|&][^\n{}\[\],]*")
_WRONG = (
    "[]",
    "{}",
    "null",
    "5",
    "-1",
    "true",
    "''",
    "[1, {a: b}]",
    "{x: [y]}",
    "1e400",
    ".nan",
    "{{ x }}",
    "'{{ 1 +'",
)


def _drop_key(text: str, chance: random.Random) -> str:
    found = chance.choice(list(_KEY.finditer(text)))
    return text[: found.start()] + text[found.end() + 1 :]


def _drop_line(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return "".join(lines)


def _misspell(text: str, chance: random.Random) -> str:
    found = chance.choice(list(_KEY.finditer(text)))
    word = found[0]
    at = chance.randrange(len(word))
    changed = chance.choice((word[:at] + word[at + 1 :], word[:at] + "q" + word[at:], word.upper(), word + "s"))
    return text[: found.start()] + changed + text[found.end() :]


def _change_type(text: str, chance: random.Random) -> str:
    found = chance.choice(list(_VALUE.finditer(text)))
    return text[: found.start()] + chance.choice(_WRONG) + text[found.end() :]


def _cut(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text))]


def _flip(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ (1 << chance.randrange(8))) + text[at + 1 :]


def _move(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))
    return "".join(lines)


def _indent(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    lines[at] = chance.choice((" " + lines[at], lines[at][1:], "\t" + lines[at]))
    return "".join(lines)


WAYS: tuple[Callable[[str, random.Random], str], ...] = (
    _drop_key,
    _drop_line,
    _misspell,
    _change_type,
    _cut,
    _flip,
    _move,
    _indent,
)


def mutated(count: int) -> Iterator[tuple[str, str]]:
    """Spoilt playbooks, each with the name of what was done to it; every third is spoilt twice."""
    for number in range(count):
        chance = random.Random(number)
        way = WAYS[number % len(WAYS)]
        text = way(SOUND, chance)
        if number % 3 == 0:
            text = chance.choice(WAYS)(text, chance)
        yield f"{number} {way.__name__.strip('_')}", text
