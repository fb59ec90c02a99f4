"""What is measured, by name: each bench gives the rows that it adds to the table."""

from __future__ import annotations

from statistics import median

import texts
from interleaving import Interleaved
from row import Row
from workbench import Workbench

NODES = 50_000
BRANCHES = 10_000
SPAWNS = 500
RUNS = 1000
WAITING = 10_000


def start(bench: Workbench) -> list[Row]:
    """The least that runs, against the imports that it cannot do without."""
    one = bench.file("one.yaml", texts.one())
    found = Interleaved(
        # Both are over in a moment, and what disturbs them lasts as long as they do.
        4 * bench.turns,
        floor=lambda: bench.python("import asyncio, sqlite3, jinja2, yaml"),
        ours=lambda: bench.run(one, events=4, steps=1),
    )
    return [found.row("start: `noetl run` of one step", limit=1.6, note=f"peak {found.peak_mib():.0f} MiB")]


def node(bench: Workbench) -> list[Row]:
    """Steps that only set a variable: what the interpreter costs."""
    ring = bench.file("ring.yaml", texts.ring(10, NODES))
    one = bench.file("one.yaml", texts.one())
    found = Interleaved(
        bench.turns,
        floor=lambda: bench.floor("node", NODES, "floor.db"),
        ours=lambda: bench.run(ring, events=2 * NODES + 2, steps=NODES),
        floor_start=lambda: bench.floor("node", 0, "floor.db"),
        start=lambda: bench.run(one, events=4, steps=1),
    )
    each_us = (found.wall_s("ours") - found.wall_s("start")) / NODES * 1e6
    note = f"goal 2; {each_us:.1f} µs a visit; peak {found.peak_mib():.0f} MiB"
    return [found.row(f"node: {NODES} visits of a ring of 10 `set` steps", limit=4.0, note=note)]


def file(bench: Workbench) -> list[Row]:
    """A file that really holds as many steps: reading it, and running it."""
    chain = bench.file("chain.yaml", texts.chain(NODES))
    found = Interleaved(
        max(1, bench.turns // 2),
        floor=lambda: bench.floor("node", NODES, "floor.db"),
        ours=lambda: bench.run(chain, events=2 * NODES + 2, steps=NODES),
        validate=lambda: bench.validate(chain),
    )
    note = f"of which `noetl validate` takes {found.wall_s('validate'):.1f} s; peak {found.peak_mib():.0f} MiB"
    return [
        found.row(f"file: {NODES} `set` steps in one file", note=note),
        found.row("file: the same, without `noetl validate`", without="validate"),
    ]


def fan_out(bench: Workbench) -> list[Row]:
    """A fork into many branches, and their join; as many parallel iterations of a loop."""
    fork = bench.file("fan_out.yaml", texts.fan_out(BRANCHES))
    loop = bench.file("fan_out_loop.yaml", texts.fan_out_loop(BRANCHES))
    found = Interleaved(
        bench.turns,
        floor=lambda: bench.floor("node", BRANCHES, "floor.db"),
        # A branch starts, ends and arrives at the join.
        fork=lambda: bench.run(fork, events=3 * BRANCHES + 6, steps=BRANCHES + 2),
        validate=lambda: bench.validate(fork),
        loop=lambda: bench.run(loop, events=BRANCHES + 4, steps=1),
    )
    return [
        found.row(
            f"fan-out: {BRANCHES} branches and their join, without `noetl validate`",
            ours="fork",
            without="validate",
            note=f"`noetl validate` takes {found.wall_s('validate'):.1f} s",
        ),
        found.row(f"fan-out: {BRANCHES} parallel iterations of a loop", ours="loop"),
    ]


def runs(bench: Workbench) -> list[Row]:
    """Many runs in one process."""
    playbook = bench.file("five.yaml", texts.chain(5))
    told = [bench.in_process("runs", playbook, RUNS) for _ in range(bench.turns)]
    rows = []
    for name, how in (("in_turn_s", "one after the other"), ("at_once_s", "all at once")):
        wall_s = median(one[name] for one in told)
        note = f"{wall_s / RUNS * 1e3:.2f} ms a run"
        rows.append(Row(name=f"runs: {RUNS} runs of 5 `set` steps in one process, {how}", ours_s=wall_s, note=note))
    return rows


def waiting(bench: Workbench) -> list[Row]:
    """Runs that wait: what each of them holds in memory."""
    playbook = bench.file("waiting.yaml", texts.waiting())
    told = bench.in_process("waiting", playbook, WAITING)
    note = f"{told['bytes_each'] / 1000:.1f} kB a run; cancelled in {told['cancel_s']:.1f} s"
    return [Row(name=f"waiting: {WAITING} runs that wait for an event", ours_s=told["start_s"], note=note)]


def shell(bench: Workbench) -> list[Row]:
    """Steps that start a program."""
    playbook = bench.file("shell.yaml", texts.shell(10, SPAWNS))
    one = bench.file("one_shell.yaml", texts.shell(1, 1))
    found = Interleaved(
        bench.turns,
        floor=lambda: bench.floor("spawn", SPAWNS),
        # A step starts, its action starts and ends, the step ends.
        ours=lambda: bench.run(playbook, events=4 * SPAWNS + 2, steps=SPAWNS),
        floor_start=lambda: bench.floor("spawn", 1),
        start=lambda: bench.run(one, events=6, steps=1),
    )
    return [found.row(f"shell: {SPAWNS} visits of a ring of 10 steps that run `true`", limit=1.6, note="goal 1.3")]
