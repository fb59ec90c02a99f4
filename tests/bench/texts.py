"""The texts of the playbooks that are measured."""

from __future__ import annotations

from collections.abc import Iterable

_NEXT = 'values: {n: "{{ n + 1 }}"}'


def playbook(name: str, *lines: str, steps: Iterable[str]) -> str:
    head = ("apiVersion: noetl.io/v1", "kind: Playbook", f"name: {name}", *lines, "steps:")
    return "\n".join((*head, *(f"  - {{{step}}}" for step in steps))) + "\n"


def moving(*steps: str) -> str:
    return f"rule: [{{case: default, run: [{', '.join(f'{{step: {step}}}' for step in steps)}]}}]"


def ring(size: int, visits: int) -> str:
    """A cycle of `set` steps that is left when so many visits have been made; a whole number of rounds."""
    steps = [f"name: s{i}, max_visits: {visits}, run: [{{action: set, {_NEXT}}}], " for i in range(size)]
    moves = [moving(f"s{i + 1}") for i in range(size - 1)]
    moves.append(f'rule: [{{case: "{{{{ n < {visits} }}}}", run: [{{step: s0}}]}}]')
    outputs = 'outputs: {n: "{{ n }}"}'
    return playbook("ring", "context: {n: 0}", outputs, steps=map("".join, zip(steps, moves, strict=True)))


def chain(length: int) -> str:
    """`set` steps, each of which moves on to the next in the file."""
    steps = [f"name: s{i}, run: [{{action: set, {_NEXT}}}], {moving(f's{i + 1}')}" for i in range(length - 1)]
    steps.append(f"name: s{length - 1}, run: [{{action: set, {_NEXT}}}]")
    return playbook("chain", "context: {n: 0}", 'outputs: {n: "{{ n }}"}', steps=steps)


def fan_out(width: int) -> str:
    """A parallel fork into so many steps, each of which sets a variable of its own, and a join of all."""
    branches = [f"b{i}" for i in range(width)]
    steps = [f"name: split, parallel: true, {moving(*branches)}"]
    steps += [f"name: {name}, run: [{{action: set, values: {{{name}: 1}}}}], {moving('gather')}" for name in branches]
    steps.append(f'name: gather, join: all, run: [{{action: set, values: {{n: "{{{{ {branches[-1]} }}}}"}}}}]')
    return playbook("fan_out", 'outputs: {n: "{{ n }}"}', steps=steps)


def fan_out_loop(width: int) -> str:
    """The iterations of a parallel loop, which are joined when all have ended."""
    loop = f"loop: {{items: {width}, parallel: {width}}}"
    steps = [f"name: spread, run: [{{action: noop, {loop}, as: n}}]"]
    return playbook("fan_out_loop", 'outputs: {n: "{{ n | length }}"}', steps=steps)


def loop(count: int, parallel: int) -> str:
    """A parallel loop over a number of items, each of which does nothing."""
    policy = f"loop: {{items: {count}, parallel: {parallel}}}"
    return playbook("loop", steps=[f"name: spread, run: [{{action: nothing, {policy}}}]"])


def actions(length: int) -> str:
    """Steps with an action that does nothing, each of which moves on to the next."""
    steps = [f"name: s{i}, run: [{{action: nothing}}], {moving(f's{i + 1}')}" for i in range(length - 1)]
    steps.append(f"name: s{length - 1}, run: [{{action: nothing}}]")
    return playbook("actions", steps=steps)


def shell(size: int, visits: int) -> str:
    """A cycle of steps that run the program `true` and nothing else; a whole number of rounds."""
    rounds = visits // size
    steps = [f'name: s{i}, run: [{{action: shell, cmd: ["true"]}}], ' for i in range(size)]
    moves = [moving(f"s{i + 1}") for i in range(size - 1)]
    moves.append(f'rule: [{{case: "{{{{ steps.s0.visits < {rounds} }}}}", run: [{{step: s0}}]}}]')
    return playbook("shell", steps=map("".join, zip(steps, moves, strict=True)))


def one() -> str:
    """One step, the least that runs."""
    return playbook("one", "context: {n: 0}", steps=[f"name: s0, run: [{{action: set, {_NEXT}}}]"])


def waiting() -> str:
    """A run that waits for an event that does not come."""
    return playbook("waiting", "context: {n: 0}", steps=["name: s0, run: [{action: wait, event: never}]"])


def load(dsn: str, table: str, file: str) -> str:
    """A CSV file that is loaded into a table."""
    copy = f"copy_from: {{file: '{file}', table: {table}}}"
    return playbook("load", steps=[f"name: s0, run: [{{action: postgres, connection: '{dsn}', {copy}, as: n}}]"])


def requests(url: str, count: int, at_once: int) -> str:
    """The same request again and again, so many at once."""
    loop = f"loop: {{items: {count}, parallel: {at_once}}}"
    steps = [f'name: s0, run: [{{action: http, url: "{url}", {loop}, as: n}}]']
    return playbook("requests", 'outputs: {n: "{{ n | length }}"}', steps=steps)


def download(url: str, file: str) -> str:
    """One large body that becomes a file."""
    return playbook("download", steps=[f'name: s0, run: [{{action: http, url: "{url}", save_to: "{file}"}}]'])
