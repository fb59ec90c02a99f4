"""For each code of the parser, the exact text that `noetl validate` prints."""

from __future__ import annotations

import pytest
from reading import read_text, rendered

from noetl.errors import Severity

#: The codes that reading a playbook gives; those of the whole-playbook check have a table of their own.
CODES = {
    "yaml-syntax",
    "duplicate-key",
    "too-large",
    "unknown-key",
    "missing-key",
    "wrong-type",
    "bad-value",
    "duplicate-name",
    "unknown-step",
    "unknown-task",
    "ambiguous-name",
    "unknown-limit",
    "unknown-action",
    "mixed-run",
    "empty-step",
    "template-syntax",
    "unknown-filter",
    "unknown-test",
    "bad-duration",
    "bad-rate",
    "unsupported",
}

#: By the code and what it is about: the playbook below the header, whose first line is line 4, and what is printed.
CASES = {
    "yaml-syntax: an unquoted template": (
        """\
context:
  url: {{ base }}/orders
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:5:8: error[yaml-syntax]: a value that starts with '{{' must be quoted
    5 |   url: {{ base }}/orders
      |        ^^^^^^^^^^^^^^^^^ write "{{ base }}/orders"
""",
    ),
    "yaml-syntax: an unquoted template that parses": (
        """\
context:
  url: {{ base }}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:5:8: error[yaml-syntax]: a value that starts with '{{' must be quoted
    5 |   url: {{ base }}
      |        ^^^^^^^^^^ write "{{ base }}"
""",
    ),
    "yaml-syntax: a tab": (
        """\
steps:
\t- name: A
""",
        """\
p.yaml:5:1: error[yaml-syntax]: a tab cannot indent YAML
    5 |  - name: A
      | ^ use spaces
""",
    ),
    "yaml-syntax: a colon in a value": (
        """\
description: Load: the orders
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:18: error[yaml-syntax]: a ': ' cannot stand within a value without quotes
    4 | description: Load: the orders
      |                  ^ quote the value
""",
    ),
    "yaml-syntax: a key that does not fit": (
        """\
description: one
  labels: {}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:5:3: error[yaml-syntax]: this key does not fit the line above it
    5 |   labels: {}
      |   ^^^^^^ check the indentation of this line and of those above
""",
    ),
    "yaml-syntax: a missing blank": (
        """\
description:one
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:12: error[yaml-syntax]: after the ':' of a key a blank is missing
    4 | description:one
      |            ^
""",
    ),
    "yaml-syntax: an open quote": (
        """\
description: 'it is
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:14: error[yaml-syntax]: the quote is not closed
    4 | description: 'it is
      |              ^ a ' is missing
""",
    ),
    "yaml-syntax: text after a quote": (
        """\
description: 'it's'
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:18: error[yaml-syntax]: text goes on after the closing quote
    4 | description: 'it's'
      |                  ^^ put all of the value into one pair of quotes; within single quotes a quote is written twice
""",
    ),
    "yaml-syntax: an open bracket": (
        """\
start: [A, B
""",
        """\
p.yaml:4:8: error[yaml-syntax]: the '[' is not closed
    4 | start: [A, B
      |        ^ a ']' is missing
""",
    ),
    "yaml-syntax: a missing comma": (
        """\
labels: {a: 1 b: 2}
""",
        """\
p.yaml:4:16: error[yaml-syntax]: after the '{' on line 4 a ',' or '}' was expected here
    4 | labels: {a: 1 b: 2}
      |                ^
""",
    ),
    "yaml-syntax: a line out of line": (
        """\
steps:
  - name: A
 rule: []
""",
        """\
p.yaml:6:2: error[yaml-syntax]: this line does not fit the mapping that starts on line 1
    6 |  rule: []
      |  ^^^^^^^^ check the indentation of this line and of those above
""",
    ),
    "yaml-syntax: a list entry out of line": (
        """\
start:
  - A
  name: B
""",
        """\
p.yaml:6:3: error[yaml-syntax]: this line does not fit the list that starts on line 5
    6 |   name: B
      |   ^^^^^^^ each entry starts with '- '; check the indentation of this line and of those above
""",
    ),
    "yaml-syntax: a glob": (
        """\
description: *.csv
""",
        """\
p.yaml:4:14: error[yaml-syntax]: '*' starts an alias, and must be followed by its name
    4 | description: *.csv
      |              ^ quote the value if it is a text that starts with '*'
""",
    ),
    "yaml-syntax: an unknown alias": (
        """\
description: *orders
""",
        """\
p.yaml:4:14: error[yaml-syntax]: the alias '*orders' has no anchor '&orders' before it
    4 | description: *orders
      |              ^^^^^^^ quote the value if it is a text that starts with '*'
""",
    ),
    "yaml-syntax: an at sign": (
        """\
description: @orders
""",
        """\
p.yaml:4:14: error[yaml-syntax]: a value cannot start with '@'
    4 | description: @orders
      |              ^ quote the value
""",
    ),
    "yaml-syntax: an escape": (
        """\
description: "\\d"
""",
        """\
p.yaml:4:15: error[yaml-syntax]: '\\d' is no escape of YAML
    4 | description: "\\d"
      |               ^^ double the backslash, or use single quotes
""",
    ),
    "yaml-syntax: an unknown tag": (
        """\
description: !vault x
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:14: error[yaml-syntax]: the tag '!vault' is not known
    4 | description: !vault x
      |              ^^^^^^ '!literal' is the only tag of playbooks; quote a text that starts with '!'
""",
    ),
    "yaml-syntax: literal before a mapping": (
        """\
labels: !literal {a: b}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:9: error[yaml-syntax]: '!literal' stands before a single value, not a list or mapping
    4 | labels: !literal {a: b}
      |         ^^^^^^^^
""",
    ),
    "yaml-syntax: a tag that does not fit": (
        """\
version: !!int x
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:10: error[yaml-syntax]: '!!int' wants an integer, got 'x'
    4 | version: !!int x
      |          ^^^^^^^
""",
    ),
    "yaml-syntax: a control character": (
        """\
description: 'a\x00b'
""",
        """\
p.yaml:4:16: error[yaml-syntax]: the character U+0000 cannot stand in YAML
    4 | description: 'a b'
      |                ^ write it as "\\x00", in double quotes
""",
    ),
    "yaml-syntax: a second document": (
        """\
steps: [{name: A, run: [{action: noop}]}]
---
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:5:1: error[yaml-syntax]: a file holds one playbook, and here a second YAML document starts
    5 | ---
      | ^^^
""",
    ),
    "yaml-syntax: a list as a key": (
        """\
labels: {[a]: 1}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:10: error[yaml-syntax]: a key must be a text, got a list
    4 | labels: {[a]: 1}
      |          ^^^
""",
    ),
    "yaml-syntax: a merge of no mapping": (
        """\
labels: {<<: 1}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:14: error[yaml-syntax]: '<<' merges mappings, got the number 1
    4 | labels: {<<: 1}
      |              ^
""",
    ),
    "duplicate-key": (
        """\
steps: [{name: A, run: [{action: noop}]}]
description: one
description: two
""",
        """\
p.yaml:6:1: error[duplicate-key]: the key 'description' stands here for the second time, first on line 5
    6 | description: two
      | ^^^^^^^^^^^ remove one of them
""",
    ),
    "duplicate-key: context and variables": (
        """\
context: {a: 1}
variables: {b: 2}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:5:1: error[duplicate-key]: 'variables' is another word for 'context', and here are both
    5 | variables: {b: 2}
      | ^^^^^^^^^ put all variables into one of them
""",
    ),
    "too-large: depth": (
        """\
description: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
""",
        """\
p.yaml:4:77: error[too-large]: lists and mappings are nested deeper than 64
    4 | description: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
      |                                                                             ^
""",
    ),
    "unknown-key: of the playbook": (
        """\
stpes: [{name: A, run: [{action: noop}]}]
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:1: error[unknown-key]: unknown key 'stpes' in the playbook
    4 | stpes: [{name: A, run: [{action: noop}]}]
      | ^^^^^ did you mean 'steps'?
""",
    ),
    "unknown-key: of an action": (
        """\
steps:
  - name: A
    run: [{action: shell, cmd: ls, timout: 5s}]
""",
        """\
p.yaml:6:36: error[unknown-key]: unknown key 'timout' in action 'shell'
    6 |     run: [{action: shell, cmd: ls, timout: 5s}]
      |                                    ^^^^^^ did you mean 'timeout'?
""",
    ),
    "unknown-key: of another tool": (
        """\
steps:
  - name: A
    run: [{action: shell, cmd: ls, register: x}]
""",
        """\
p.yaml:6:36: error[unknown-key]: unknown key 'register' in action 'shell'
    6 |     run: [{action: shell, cmd: ls, register: x}]
      |                                    ^^^^^^^^ did you mean 'as'?
""",
    ),
    "unknown-key: of an option": (
        """\
steps:
  - name: A
    run:
      - {action: postgres, connection: embedded, queries: [{query: SELECT 1, parms: []}]}
""",
        """\
p.yaml:7:78: error[unknown-key]: unknown key 'parms' in an entry of 'queries'
    7 |       - {action: postgres, connection: embedded, queries: [{query: SELECT 1, parms: []}]}
      |                                                                              ^^^^^ did you mean 'params'?
""",
    ),
    "missing-key: of the playbook": (
        """\
description: nothing to do
""",
        """\
p.yaml:1:1: error[missing-key]: the playbook needs the key 'steps'
    1 | apiVersion: noetl.io/v1
      | ^^^^^^^^^^
""",
    ),
    "missing-key: of a step": (
        """\
steps:
  - run: [{action: noop}]
""",
        """\
p.yaml:5:5: error[missing-key]: a step needs the key 'name'
    5 |   - run: [{action: noop}]
      |     ^^^
""",
    ),
    "missing-key: of an action": (
        """\
steps:
  - name: A
    run: [{action: shell}]
""",
        """\
p.yaml:6:12: error[missing-key]: action 'shell' needs the key 'cmd'
    6 |     run: [{action: shell}]
      |            ^^^^^^
""",
    ),
    "missing-key: of a run item": (
        """\
steps:
  - name: A
    run: [{shell: ls}]
""",
        """\
p.yaml:6:12: error[missing-key]: an item of 'run' needs one of the keys 'action', 'task' or 'step'
    6 |     run: [{shell: ls}]
      |            ^^^^^ write 'action: shell', and its keys beside it
""",
    ),
    "missing-key: of a case": (
        """\
steps:
  - name: A
    rule:
      - run: [{step: A}]
""",
        """\
p.yaml:7:9: error[missing-key]: a case needs the key 'case'
    7 |       - run: [{step: A}]
      |         ^^^ write 'case: default' for what is always true
""",
    ),
    "missing-key: work for a policy": (
        """\
steps:
  - name: A
    retry: 3
    rule: [{case: default}]
""",
        """\
p.yaml:6:5: error[missing-key]: 'retry' is about the work of a step, and step 'A' has no 'run'
    6 |     retry: 3
      |     ^^^^^
""",
    ),
    "missing-key: of a loop": (
        """\
steps:
  - name: A
    loop: {as: x}
    run: [{action: noop}]
""",
        """\
p.yaml:6:5: error[missing-key]: 'loop' needs one of the keys 'items', 'while' or 'until'
    6 |     loop: {as: x}
      |     ^^^^
""",
    ),
    "missing-key: of a wait": (
        """\
steps:
  - name: A
    run: [{action: wait}]
""",
        """\
p.yaml:6:12: error[missing-key]: action 'wait' needs one of the keys 'for', 'until' or 'event'
    6 |     run: [{action: wait}]
      |            ^^^^^^
""",
    ),
    "wrong-type: a mapping for a list": (
        """\
steps: {A: {run: []}}
""",
        """\
p.yaml:4:8: error[wrong-type]: 'steps' must be a list, got a mapping
    4 | steps: {A: {run: []}}
      |        ^^^^^^^^^^^^^^ start each entry with '- ', the name as a key of it: '- name: A'
""",
    ),
    "wrong-type: nothing for a mapping": (
        """\
context:
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:9: error[wrong-type]: 'context' must be a mapping, got nothing
    4 | context:
      |         ^
""",
    ),
    "wrong-type: a text for a list of work": (
        """\
steps:
  - name: A
    run: B
""",
        """\
p.yaml:6:10: error[wrong-type]: 'run' must be a list, got the text 'B'
    6 |     run: B
      |          ^ write 'run: [B]'
""",
    ),
    "wrong-type: a number for a text": (
        """\
description: 5
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:14: error[wrong-type]: 'description' must be a text, got the number 5
    4 | description: 5
      |              ^ quote it
""",
    ),
    "wrong-type: a number for a condition": (
        """\
steps:
  - name: A
    rule: [{case: 1}]
""",
        """\
p.yaml:6:19: error[wrong-type]: 'case' must be a condition, got the number 1
    6 |     rule: [{case: 1}]
      |                   ^
""",
    ),
    "wrong-type: an option": (
        """\
steps:
  - name: A
    run: [{action: shell, cmd: {a: 1}}]
""",
        """\
p.yaml:6:32: error[wrong-type]: 'cmd' must be a text or a list, got a mapping
    6 |     run: [{action: shell, cmd: {a: 1}}]
      |                                ^^^^^^
""",
    ),
    "wrong-type: a template where none is read": (
        """\
steps:
  - name: A
    run: [{action: noop}]
    max_visits: '{{ n }}'
""",
        """\
p.yaml:7:17: error[wrong-type]: 'max_visits' must be an integer, got the text '{{ n }}'
    7 |     max_visits: '{{ n }}'
      |                 ^^^^^^^^^ no template can stand here
""",
    ),
    "wrong-type: a short input": (
        """\
inputs: {threshold: 100}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:21: error[wrong-type]: input 'threshold' must be a mapping, got the number 100
    4 | inputs: {threshold: 100}
      |                     ^^^ write 'threshold: {default: 100}'
""",
    ),
    "bad-value: a choice": (
        """\
steps:
  - {name: A, run: [{action: noop}], join: al}
""",
        """\
p.yaml:5:44: error[bad-value]: 'join' must be 'each', 'all', 'any' or 'first', got 'al'
    5 |   - {name: A, run: [{action: noop}], join: al}
      |                                            ^^ did you mean 'all'?
""",
    ),
    "bad-value: a number": (
        """\
steps:
  - {name: A, run: [{action: noop}], join: 0}
""",
        """\
p.yaml:5:44: error[bad-value]: 'join' must be at least 1, got 0
    5 |   - {name: A, run: [{action: noop}], join: 0}
      |                                            ^
""",
    ),
    "bad-value: a name": (
        """\
context: {first-name: x}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:11: error[bad-value]: a name in 'context' must be letters, digits and '_', and not start with a digit, got 'first-name'
    4 | context: {first-name: x}
      |           ^^^^^^^^^^
""",
    ),
    "bad-value: an option": (
        """\
steps:
  - name: A
    run: [{action: postgres, connection: '', fetch: al, pool: 1000}]
""",
        """\
p.yaml:6:42: error[bad-value]: 'connection' must not be empty
    6 |     run: [{action: postgres, connection: '', fetch: al, pool: 1000}]
      |                                          ^^
p.yaml:6:53: error[bad-value]: 'fetch' must be 'all', 'one', 'value' or 'none', got 'al'
    6 |     run: [{action: postgres, connection: '', fetch: al, pool: 1000}]
      |                                                     ^^ did you mean 'all'?
p.yaml:6:63: error[bad-value]: 'pool' must be at most 100, got 1000
    6 |     run: [{action: postgres, connection: '', fetch: al, pool: 1000}]
      |                                                               ^^^^
""",
    ),
    "bad-value: a type of another language": (
        """\
inputs: {n: {type: int}}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:20: error[bad-value]: 'type' must be a type of JSON Schema, got 'int'
    4 | inputs: {n: {type: int}}
      |                    ^^^ write 'integer'
""",
    ),
    "bad-value: a type of a database": (
        """\
inputs: {day: {type: date}}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:22: error[bad-value]: 'type' must be a type of JSON Schema, got 'date'
    4 | inputs: {day: {type: date}}
      |                      ^^^^ write 'type: string, format: date'
""",
    ),
    "wrong-type: the items of a loop alone": (
        """\
steps: [{name: A, loop: "{{ [1, 2] }}", run: [{action: log, message: "{{ item }}"}]}]
""",
        """\
p.yaml:4:25: error[wrong-type]: 'loop' must be a mapping, got the text '{{ [1, 2] }}'
    4 | steps: [{name: A, loop: "{{ [1, 2] }}", run: [{action: log, message: "{{ item }}"}]}]
      |                         ^^^^^^^^^^^^^^ write 'loop: {items: ...}'
""",
    ),
    "bad-value: a default": (
        """\
inputs: {n: {type: integer, minimum: 5, default: 3}}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:50: error[bad-value]: 'default' must be at least 5, got the number 3
    4 | inputs: {n: {type: integer, minimum: 5, default: 3}}
      |                                                  ^
""",
    ),
    "bad-value: a secret": (
        """\
secrets: {token: abc123}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:18: error[bad-value]: secret 'token' must say where it is read from
    4 | secrets: {token: abc123}
      |                  ^^^^^^ write 'env:NAME' for a process variable, or 'file:PATH'
""",
    ),
    "bad-value: a number that is none": (
        """\
context: {n: .nan}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:14: error[bad-value]: '.nan' is a number that JSON does not have
    4 | context: {n: .nan}
      |              ^^^^ quote it
""",
    ),
    "bad-value: two kinds of a loop": (
        """\
steps:
  - name: A
    loop: {items: 3, until: done}
    run: [{action: noop}]
""",
        """\
p.yaml:6:22: error[bad-value]: 'loop' takes only one of 'items', 'while' or 'until'
    6 |     loop: {items: 3, until: done}
      |                      ^^^^^
""",
    ),
    "bad-value: a runtime": (
        """\
steps:
  - name: A
    run: [{action: shell, cmd: ls, runtime: isolated}]
""",
        """\
p.yaml:6:45: error[bad-value]: 'runtime' of action 'shell' must be 'in-process', got 'isolated'
    6 |     run: [{action: shell, cmd: ls, runtime: isolated}]
      |                                             ^^^^^^^^
""",
    ),
    "duplicate-name": (
        """\
steps: [{name: A, run: [{action: noop}]}, {name: A, rule: [{case: true}]}]
""",
        """\
p.yaml:4:50: error[duplicate-name]: step 'A' is already defined on line 4
    4 | steps: [{name: A, run: [{action: noop}]}, {name: A, rule: [{case: true}]}]
      |                                                  ^ give it another name
""",
    ),
    "unknown-step": (
        """\
steps:
  - name: Ship
    rule:
      - case: default
        run: [{step: Shipp}]
""",
        """\
p.yaml:8:22: error[unknown-step]: step 'Shipp' is not defined
    8 |         run: [{step: Shipp}]
      |                      ^^^^^ did you mean 'Ship'?
""",
    ),
    "unknown-step: at the start": (
        """\
start: B
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:8: error[unknown-step]: step 'B' is not defined
    4 | start: B
      |        ^
""",
    ),
    "unknown-step: a bare name": (
        """\
steps:
  - name: Ship
    rule:
      - case: default
        run: [Load]
""",
        """\
p.yaml:8:15: error[unknown-step]: step or task 'Load' is not defined
    8 |         run: [Load]
      |               ^^^^
""",
    ),
    "unknown-task": (
        """\
tasks:
  - name: load
    run: [{action: noop}]
steps:
  - name: A
    run: [{task: laod}]
""",
        """\
p.yaml:9:18: error[unknown-task]: task 'laod' is not defined
    9 |     run: [{task: laod}]
      |                  ^^^^ did you mean 'load'?
""",
    ),
    "unknown-task: a bare name that is an action": (
        """\
steps:
  - name: A
    run: [noop]
""",
        """\
p.yaml:6:11: error[unknown-task]: task 'noop' is not defined
    6 |     run: [noop]
      |           ^^^^ write '{action: noop}'
""",
    ),
    "unknown-task: a fallback": (
        """\
steps:
  - name: A
    run: [{action: noop, fallback: rescue}]
""",
        """\
p.yaml:6:36: error[unknown-task]: task 'rescue' is not defined
    6 |     run: [{action: noop, fallback: rescue}]
      |                                    ^^^^^^
""",
    ),
    "ambiguous-name": (
        """\
tasks:
  - name: A
    run: [{action: noop}]
steps:
  - name: A
    run: [A]
""",
        """\
p.yaml:9:11: error[ambiguous-name]: 'A' is the name of a step and of a task
    9 |     run: [A]
      |           ^ write '{task: A}'
""",
    ),
    "unknown-limit": (
        """\
steps:
  - name: A
    run: [{action: noop, limit: api}]
""",
        """\
p.yaml:6:33: error[unknown-limit]: limit 'api' is not defined
    6 |     run: [{action: noop, limit: api}]
      |                                 ^^^
""",
    ),
    "unknown-action": (
        """\
steps:
  - name: A
    run: [{action: sell, cmd: ls}]
""",
        """\
p.yaml:6:20: error[unknown-action]: there is no action 'sell'
    6 |     run: [{action: sell, cmd: ls}]
      |                    ^^^^ did you mean 'shell'?
""",
    ),
    "unknown-action: far from any": (
        """\
steps:
  - name: A
    run: [{action: teleport}]
""",
        """\
p.yaml:6:20: error[unknown-action]: there is no action 'teleport'
    6 |     run: [{action: teleport}]
      |                    ^^^^^^^^ known are fail, log, noop, postgres, python, set, shell, stop, wait
""",
    ),
    "mixed-run: in a case": (
        """\
steps:
  - name: A
    rule:
      - case: default
        run:
          - {action: noop}
          - {step: A}
""",
        """\
p.yaml:10:14: error[mixed-run]: a 'run' holds either steps to move to, or work, not both
   10 |           - {step: A}
      |              ^^^^ do the work in the step's own 'run', or in a step of its own
""",
    ),
    "mixed-run: in a step": (
        """\
steps:
  - name: A
    run: [{step: A}]
""",
        """\
p.yaml:6:12: error[mixed-run]: a move to a step stands in the 'run' of step 'A', which holds only work
    6 |     run: [{step: A}]
      |            ^^^^ the cases of a step's 'rule' move to steps
""",
    ),
    "mixed-run: in an item": (
        """\
steps:
  - name: A
    run: [{action: noop, task: A}]
""",
        """\
p.yaml:6:26: error[mixed-run]: an item of 'run' is an action, a task or a step, and this one has 'action' and 'task'
    6 |     run: [{action: noop, task: A}]
      |                          ^^^^
""",
    ),
    "empty-step": (
        """\
steps:
  - name: A
    description: does nothing
""",
        """\
p.yaml:5:11: error[empty-step]: step 'A' has neither a 'run' nor a 'rule'
    5 |   - name: A
      |           ^
""",
    ),
    "template-syntax: a template": (
        """\
steps:
  - name: A
    run:
      - {action: log, message: 'it''s {{ 1 + }}'}
""",
        """\
p.yaml:7:46: error[template-syntax]: unexpected '}}'
    7 |       - {action: log, message: 'it''s {{ 1 + }}'}
      |                                              ^^
""",
    ),
    "template-syntax: a condition": (
        """\
steps:
  - name: A
    rule:
      - case: a >
""",
        """\
p.yaml:7:17: error[template-syntax]: the expression ends too early
    7 |       - case: a >
      |                 ^
""",
    ),
    "unknown-filter": (
        """\
steps:
  - name: A
    run:
      - {action: log, message: '{{ 1 | uper }}'}
""",
        """\
p.yaml:7:40: error[unknown-filter]: filter 'uper' is not defined
    7 |       - {action: log, message: '{{ 1 | uper }}'}
      |                                        ^^^^ did you mean 'upper'?
""",
    ),
    "unknown-test": (
        """\
steps:
  - name: A
    rule:
      - case: 1 is evem
""",
        """\
p.yaml:7:20: error[unknown-test]: test 'evem' is not defined
    7 |       - case: 1 is evem
      |                    ^^^^ did you mean 'even'?
""",
    ),
    "bad-duration": (
        """\
timeout: 5 parsecs
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:10: error[bad-duration]: 'timeout': unknown unit 'parsecs' in '5 parsecs', known are 'd', 'h', 'm', 's', 'ms'
    4 | timeout: 5 parsecs
      |          ^^^^^^^^^
""",
    ),
    "bad-duration: of an option": (
        """\
steps:
  - name: A
    run: [{action: wait, for: soon}]
""",
        """\
p.yaml:6:31: error[bad-duration]: 'for' must be a duration such as '10s' or '1h30m', got 'soon'
    6 |     run: [{action: wait, for: soon}]
      |                               ^^^^
""",
    ),
    "bad-rate": (
        """\
limits: {api: {rate: fast}}
steps: [{name: A, run: [{action: noop}]}]
""",
        """\
p.yaml:4:22: error[bad-rate]: 'rate' must be a rate such as '10/s', got 'fast'
    4 | limits: {api: {rate: fast}}
      |                      ^^^^
""",
    ),
    "unsupported: a value": (
        """\
steps:
  - name: A
    run: [{action: python, code: pass, runtime: callback}]
""",
        """\
p.yaml:6:49: error[unsupported]: 'runtime: callback' is part of the language but this version does not carry it out
    6 |     run: [{action: python, code: pass, runtime: callback}]
      |                                                 ^^^^^^^^
""",
    ),
}


@pytest.mark.parametrize(("body", "expected"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_a_problem_is_printed_with_its_place_and_a_hint(body: str, expected: str) -> None:
    assert rendered(body) == expected


def test_every_code_has_an_exact_output() -> None:
    assert {name.partition(":")[0] for name in CASES} == CODES


def test_what_comes_before_everything_else_is_checked_too() -> None:
    _, problems = read_text("apiVersion: noetl.io/v2\nkind: playbook\nname: 1st\nsteps: []\n")
    assert (
        "".join(f"{problem.render()}\n" for problem in problems)
        == """\
p.yaml:1:13: error[bad-value]: 'apiVersion' must be 'noetl.io/v1', got 'noetl.io/v2'
    1 | apiVersion: noetl.io/v2
      |             ^^^^^^^^^^^ did you mean 'noetl.io/v1'?
p.yaml:2:7: error[bad-value]: 'kind' must be 'Playbook', got 'playbook'
    2 | kind: playbook
      |       ^^^^^^^^ did you mean 'Playbook'?
p.yaml:3:7: error[bad-value]: 'name' must be letters, digits, '_', '.' and '-', and start with a letter or '_', got '1st'
    3 | name: 1st
      |       ^^^
p.yaml:4:8: error[bad-value]: 'steps' must not be empty
    4 | steps: []
      |        ^^
"""
    )


def test_all_problems_are_found_in_one_pass() -> None:
    _, problems = read_text(
        """\
kind: Playbook
name: many
timeout: soon
steps:
  - run: [{action: sell}, {task: gone}]
  - name: B
    rule: [{case: 1 +}, {run: [{step: C}]}]
"""
    )
    assert [(problem.span.line, problem.code) for problem in problems] == [
        (1, "missing-key"),
        (3, "bad-duration"),
        (5, "missing-key"),
        (5, "unknown-action"),
        (5, "unknown-task"),
        (7, "template-syntax"),
        (7, "missing-key"),
        (7, "unknown-step"),
    ]
    assert {problem.severity for problem in problems} == {Severity.ERROR}


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "text\n"])
def test_what_is_no_mapping_is_no_playbook(text: str) -> None:
    playbook, problems = read_text(text)
    assert playbook is None
    assert [(problem.code, problem.span.line, problem.span.column) for problem in problems] == [("wrong-type", 1, 1)]
