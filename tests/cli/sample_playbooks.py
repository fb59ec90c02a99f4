"""Playbooks that several tests run, by the name of their file."""

from __future__ import annotations

GREET = """
apiVersion: noetl.io/v1
kind: Playbook
name: greet
inputs:
  name: {type: string, default: world}
  times: {type: integer, default: 1}
context: {said: 0}
steps:
  - name: Hello
    run:
      - {action: set, values: {said: "{{ said + 1 }}"}}
    rule:
      - case: "{{ said < times }}"
        run: [{step: Hello}]
      - case: default
        run: [{step: Done}]
  - name: Done
    run:
      - {action: log, message: "hello {{ name }}"}
outputs:
  greeting: "hello {{ name }}"
  said: "{{ said }}"
"""

BROKEN = """
apiVersion: noetl.io/v1
kind: Playbook
name: broken
steps:
  - name: Start
    run:
      - {action: noop}
    rule:
      - case: default
        run: [{step: Finnish}]
  - name: Finish
    run:
      - {action: noop}
"""

FAILING = """
apiVersion: noetl.io/v1
kind: Playbook
name: failing
steps:
  - name: Try
    run:
      - {action: fail, message: "no luck\\nnot today", code: luck}
"""

#: Sleeps in a child and in a grandchild; writes the process id of the child, which leads its group.
SLEEPING = """
apiVersion: noetl.io/v1
kind: Playbook
name: sleeping
steps:
  - name: Nap
    run:
      - {action: shell, cmd: "sleep 600 & echo $$ > pid; wait"}
"""

#: Its process wants to live; it has to be killed.
STUBBORN = """
apiVersion: noetl.io/v1
kind: Playbook
name: stubborn
steps:
  - name: Nap
    run:
      - {action: shell, cmd: "trap '' TERM INT; echo $$ > pid; while true; do sleep 600; done"}
"""
