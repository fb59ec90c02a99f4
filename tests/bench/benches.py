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
ITEMS = 100_000
CONCURRENT = 500
MOST_BYTES_WAITING = 20 * 1024


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


def load(bench: Workbench) -> list[Row]:
    """A large file, read and checked; libyaml only makes nodes of it."""
    chain = bench.file("chain.yaml", texts.chain(NODES))
    found = Interleaved(
        max(1, bench.turns // 2),
        floor=lambda: bench.floor("compose", chain),
        ours=lambda: bench.validate(chain),
    )
    note = f"peak {found.peak_mib():.0f} MiB"
    return [found.row(f"load: {NODES} `set` steps read and checked, against libyaml alone", note=note)]


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


def recovery(bench: Workbench) -> list[Row]:
    """Runs that wait, after the engine that started them was killed."""
    playbook = bench.file("waiting.yaml", texts.waiting())
    told = bench.in_process("recovery", playbook, WAITING)
    note = f"{told['recover_s'] / WAITING * 1e3:.2f} ms a run; the ratio is {told['bytes_each'] / 1024:.1f} KiB a run to 20"
    ratio = told["bytes_each"] / MOST_BYTES_WAITING
    name = f"recovery: {WAITING} runs that wait for an event, of an engine that was killed"
    return [Row(name=name, ours_s=told["recover_s"], ratio=ratio, limit=1.0, note=note)]


def loop(bench: Workbench) -> list[Row]:
    """Many items through a loop of bounded width: what one costs, and that memory does not grow with their number."""
    many = bench.file("loop.yaml", texts.loop(ITEMS, 50))
    few = bench.file("short_loop.yaml", texts.loop(ITEMS // 10, 50))
    # The first process of a bench compiles what it imports, and that takes memory.
    bench.in_process("loop", few, ITEMS // 10)
    less = bench.in_process("loop", few, ITEMS // 10)
    told = bench.in_process("loop", many, ITEMS)
    peak, little = told["peak_bytes"] / 2**20, less["peak_bytes"] / 2**20
    name = f"loop: {ITEMS} items through `loop: {{parallel: 50}}`"
    return [
        Row(
            name=f"{name}, against a bare pool of coroutines",
            floor_s=told["pool_s"],
            ours_s=told["loop_s"],
            ratio=told["loop_s"] / told["pool_s"],
            note=f"{ITEMS / told['loop_s']:.0f} against {ITEMS / told['pool_s']:.0f} actions a second",
        ),
        Row(
            name="loop: the peak of memory, against a tenth of the items",
            ratio=peak / little,
            limit=1.1,
            note=f"{peak:.1f} MiB, {little:.1f} MiB with {ITEMS // 10} items",
        ),
    ]


def durability(bench: Workbench) -> list[Row]:
    """What it costs to wait for the disk, where many runs wait together."""
    playbook = bench.file("actions.yaml", texts.actions(10))
    told: dict[str, list[dict[str, float]]] = {"relaxed": [], "strict": []}
    for _ in range(bench.turns):
        for mode, found in told.items():
            found.append(bench.in_process("durability", playbook, CONCURRENT, mode))
    relaxed, strict = (median(one["wall_s"] for one in found) for found in told.values())
    sync_ms = median(one["sync_s"] for found in told.values() for one in found) * 1e3
    return [
        Row(
            name=f"durability: {CONCURRENT} runs of 10 actions at once, `strict` against `relaxed`",
            floor_s=relaxed,
            ours_s=strict,
            ratio=strict / relaxed,
            limit=1.5,
            note=f"the disk takes {sync_ms:.1f} ms for a sync",
        )
    ]


def shell(bench: Workbench) -> list[Row]:
    """Steps that start a program."""
    playbook = bench.file("shell.yaml", texts.shell(10, SPAWNS))
    one = bench.file("one_shell.yaml", texts.shell(1, 1))
    found = Interleaved(
        # A shared machine changes its speed within a second, and these take less.
        4 * bench.turns,
        floor=lambda: bench.floor("spawn", SPAWNS),
        # A step starts, its action starts and ends, the step ends.
        ours=lambda: bench.run(playbook, events=4 * SPAWNS + 2, steps=SPAWNS),
        floor_start=lambda: bench.floor("spawn", 1),
        start=lambda: bench.run(one, events=6, steps=1),
    )
    return [found.row(f"shell: {SPAWNS} visits of a ring of 10 steps that run `true`", limit=1.6, note="goal 1.3")]
