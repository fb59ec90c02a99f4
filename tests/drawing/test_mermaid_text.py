"""What is written for Mermaid is in the part of its grammar that we use; that part stands here, stricter than its own."""

from __future__ import annotations

import json
import re

import pytest
from lark import Lark, Token, Tree
from playbook_graphs import HOSTILE, drawn_run, graph, playbook

import noetl
from noetl.drawing.building import graph_of
from noetl.drawing.graph import Graph
from noetl.drawing.mermaid import mermaid

#: Inside quotes nothing may stand that Mermaid's lexer, its markdown or its clean-up of directives looks for.
GRAMMAR = Lark(
    r"""
    start: "---\ntitle: " JSON "\n---\nflowchart TD\n" node+ edge* classdef+ [unreached] [taken]
    node: "  " ID (_ROUND | _STADIUM | _WORK | _FORK) ":::" CLASS "\n"
    _ROUND: "(" LABEL ")"
    _STADIUM: "([" LABEL "])"
    _WORK: "[[" LABEL "]]"
    _FORK: "{{" LABEL "}}"
    edge: "  " ID " " ARROW [ "|" LABEL "|" ] " " ID "\n"
    ARROW: "-->" | "-.->"
    classdef: "  classDef " CLASS " fill:" COLOUR ",stroke:" COLOUR ",color:" COLOUR "\n"
    unreached: "  classDef unreached stroke-dasharray:4 4\n  class " ID ("," ID)* " unreached\n"
    taken: "  linkStyle " NUMBER ("," NUMBER)* " stroke:" COLOUR ",stroke-width:2px\n"
    ID: "start" | /[sfew](start|s?[0-9]+)(_[0-9]+)?/
    CLASS: /[a-z]+Node/
    COLOUR: /#[0-9a-f]{6}/
    NUMBER: /[0-9]+/
    LABEL: /"([^"#<>&`|%\\\n]|#[0-9]+;|<br\/>)*"/
    JSON: /"([^"\\\n]|\\.)*"/
    """,
    parser="earley",
    lexer="dynamic",
)


def parsed(text: str) -> Tree[Token]:
    return GRAMMAR.parse(text)


def said(text: str) -> str:
    """What Mermaid shows of a label."""
    return re.sub("#([0-9]+);", lambda found: chr(int(found[1])), text.replace("<br/>", "\n"))


def labels(text: str) -> list[str]:
    return [said(label) for label in re.findall(r'[(\[{|]"(.*?)"[)\]}|]', text)]


HOSTILE_GRAPH = graph_of(noetl.load(HOSTILE))


@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param(graph("- {name: A, run: [{action: noop}]}"), id="a step"),
        pytest.param(HOSTILE_GRAPH, id="hostile texts"),
        pytest.param(drawn_run("- {name: end, run: [{action: noop}]}"), id="a run"),
    ],
)
def test_the_text_is_a_flowchart(drawn: Graph) -> None:
    text = mermaid(drawn)
    tree = parsed(text)
    assert len(list(tree.find_data("node"))) == len(drawn.nodes)
    assert len(list(tree.find_data("edge"))) == len(drawn.edges)


def test_labels_say_what_was_written() -> None:
    found = labels(mermaid(HOSTILE_GRAPH))
    assert "1: a == 'style x:#y; direction LR'" in found
    assert "2: b['%%{init}%%'] or a in ['|', ']', ')', '}', '[[']" in found
    assert "end\nshell, if a == '`x` <br> \"q\"'" in found


@pytest.mark.parametrize("word", ["style", "classDef", "direction", "%%", "\\n"])
def test_words_that_mermaid_looks_for_in_any_line_are_hidden_from_it(word: str) -> None:
    text = mermaid(HOSTILE_GRAPH)
    chart = text[text.index("flowchart") :]
    lines = [line for line in chart.splitlines() if not re.match("  (classDef|class|linkStyle) ", line)]
    assert word in "".join(map(said, lines))
    assert word not in "".join(lines)


def test_no_class_has_the_name_of_a_keyword() -> None:
    assert ":::end\n" not in mermaid(HOSTILE_GRAPH)


def test_the_title_is_the_playbook_and_what_its_run_came_to() -> None:
    title = re.compile("^title: (.*)$", re.MULTILINE)
    found = title.search(mermaid(drawn_run("- {name: A, run: [{action: noop}]}")))
    assert found is not None
    assert re.fullmatch(r"drawn \(run \w{26}: completed after .*\)", json.loads(found[1]))


def test_steps_that_nothing_reaches_are_dashed() -> None:
    drawn = graph("- {name: A, run: [{action: noop}]}\n- {name: B, run: [{action: noop}]}")
    assert "\n  class s1 unreached\n" in mermaid(drawn)


def test_nodes_of_a_run_have_the_class_of_what_happened_and_its_ways_are_drawn_thick() -> None:
    text = mermaid(
        drawn_run(
            """
            - {name: A, run: [{action: noop}], rule: [{case: ready, run: [{step: C}]}, {case: default, run: [{step: B}]}]}
            - {name: B, run: [{action: fail, message: no}]}
            - {name: C, run: [{action: noop}]}
            """
        )
    )
    assert re.search(r'  s0\("A<br/>noop<br/>completed, .*"\):::completedNode', text)
    assert re.search(r'  s1\("B<br/>fail<br/>failed, .*"\):::failedNode', text)
    assert '  s2("C<br/>noop"):::unvisitedNode' in text
    assert "\n  linkStyle 0,2,3 stroke:" in text


def test_the_same_playbook_gives_the_same_text() -> None:
    steps = "- {name: A, run: [{action: noop}]}"
    assert mermaid(graph_of(playbook(steps))) == mermaid(graph_of(playbook(steps)))
