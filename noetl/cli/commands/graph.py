"""`noetl graph`: a playbook drawn as the state machine that it is, and what happened in a run of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, option
from noetl.cli.event_log import STORE_HELP
from noetl.cli.misuse import Misuse
from noetl.drawing import FORMATS

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.drawing.graph import Graph


class GraphOptions(Options):
    file: str = argument("[FILE]", default="", help="The playbook, '-' for standard input; none with '--run'.")
    format: str | None = option(
        "--format",
        metavar="FORMAT",
        choices=tuple(FORMATS),
        help="mermaid (default), dot or svg; without it, the ending of '-o' decides.",
    )
    output: str | None = option("-o", "--output", metavar="FILE", help="Where to write, instead of standard output.")
    run: str | None = option(
        "--run", metavar="ID", help="Draw the playbook of this run (or how its id begins), with what happened in it."
    )
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: GraphOptions, console: Console) -> int:
    from noetl.drawing import draw

    format = _format(options)
    drawing = draw(_graph(options, console), format)
    if options.output in (None, "-"):
        console.out.write(drawing)
        return 0
    try:
        Path(options.output).write_text(drawing, encoding="utf-8")
    except OSError as error:
        raise Misuse(f"'{options.output}' cannot be written: {error.strerror}") from None
    return 0


def _format(options: GraphOptions) -> str:
    """What is asked for, else what the output's name ends with."""
    if options.format is not None:
        return options.format
    if options.output in (None, "-"):
        return "mermaid"
    ending = Path(options.output).suffix.lower()
    found = next((name for name, endings in FORMATS.items() if ending in endings), None)
    if found is None:
        known = ", ".join(known for endings in FORMATS.values() for known in endings)
        raise Misuse(f"'{options.output}' does not say in which format to draw", f"give '--format', or one of {known}")
    return found


def _graph(options: GraphOptions, console: Console) -> Graph:
    from noetl.drawing.building import graph_of

    if options.run is not None:
        return _graph_of_run(options, options.run, console)
    if not options.file:
        raise Misuse("the argument FILE is missing")
    from noetl.actions.registry import Registry, Shapes
    from noetl.cli.playbooks import source_of, valid_playbook

    playbook, _ = valid_playbook(source_of(options.file), Shapes(Registry()))
    return graph_of(playbook)


def _graph_of_run(options: GraphOptions, prefix: str, console: Console) -> Graph:
    from noetl.cli.past_run import past_run
    from noetl.cli.playbooks import source_of
    from noetl.drawing.building import graph_of
    from noetl.drawing.colouring import coloured
    from noetl.drawing.traffic import traffic_of

    run, events = asyncio.run(past_run(options.store, prefix))
    if options.file and source_of(options.file).text != run.playbook.source.text:
        console.warning(f"'{options.file}' is not the text that the run had, which is what is drawn")
    return coloured(graph_of(run.playbook), traffic_of(run, events))


COMMAND = Command(
    name="graph",
    summary="Draw a playbook, or what happened in a run.",
    details="Steps are nodes, cases are arrows in the order in which they are tried. Mermaid text is drawn by GitHub, "
    "GitLab and many editors, DOT by Graphviz; an SVG is a picture as it stands.",
    examples=(
        Example(line="noetl graph orders.yaml", purpose="as Mermaid text"),
        Example(line="noetl graph orders.yaml -o orders.svg", purpose="as a picture"),
        Example(line="noetl graph orders.yaml --format dot | dot -Tpdf", purpose="for Graphviz"),
        Example(line="noetl graph --run 01JABC -o run.svg", purpose="with what happened in that run"),
    ),
    options=GraphOptions,
    carry_out=carry_out,
)
