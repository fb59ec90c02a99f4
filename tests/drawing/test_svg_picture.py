"""Pictures as XML: everything is in them, nothing can get out, and they stand for themselves."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from playbook_graphs import HOSTILE, drawn_run, graph

import noetl
from noetl.drawing.building import graph_of
from noetl.drawing.graph import Graph
from noetl.drawing.svg import svg
from noetl.drawing.wording import TIMES

NAMESPACE = "{http://www.w3.org/2000/svg}"
HOSTILE_GRAPH = graph_of(noetl.load(HOSTILE))


def parsed(drawn: Graph) -> ElementTree.Element:
    return ElementTree.fromstring(svg(drawn))


def groups(picture: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [group for group in picture.iter(f"{NAMESPACE}g") if name in group.get("class", "").split()]


def texts(element: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in element.iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param(graph("- {name: A, run: [{action: noop}]}"), id="a step"),
        pytest.param(HOSTILE_GRAPH, id="hostile texts"),
        pytest.param(drawn_run("- {name: A, run: [{action: noop}]}"), id="a run"),
    ],
)
def test_every_node_and_edge_is_in_the_picture(drawn: Graph) -> None:
    picture = parsed(drawn)
    assert len(groups(picture, "node")) == len(drawn.nodes)
    assert len(groups(picture, "edge")) == len(drawn.edges)
    for node, group in zip(drawn.nodes, groups(picture, "node"), strict=True):
        assert {text for text in (node.title, *node.lines, *node.marks, node.happened) if text} == set(texts(group))
    for edge, group in zip(drawn.edges, groups(picture, "edge"), strict=True):
        assert " ".join(texts(group)).startswith(edge.label)


def test_it_needs_nothing_from_outside_and_carries_nothing_out() -> None:
    picture = parsed(HOSTILE_GRAPH)
    names = {element.tag.removeprefix(NAMESPACE) for element in picture.iter()}
    assert names == {"svg", "title", "style", "rect", "text", "g", "path", "circle"}
    assert not {
        name for element in picture.iter() for name in element.attrib if name.startswith(("on", "href", "xlink"))
    }
    assert "url(" not in svg(HOSTILE_GRAPH)
    assert "@import" not in svg(HOSTILE_GRAPH)


def test_the_whole_story_is_in_tooltips() -> None:
    picture = parsed(graph("- {name: A, description: Why it is there., join: all, run: [{action: noop}]}"))
    titles = [title.text for title in picture.iter(f"{NAMESPACE}title")]
    assert "step 'A', Why it is there., noop, join all" in titles


def test_it_knows_light_and_dark_pages() -> None:
    style = parsed(HOSTILE_GRAPH).find(f"{NAMESPACE}style")
    assert style is not None
    light, _, dark = (style.text or "").partition("@media (prefers-color-scheme:dark)")
    rule = re.compile(r"^\.noetl \.page\{fill:(#\w+)\}", re.MULTILINE)
    assert rule.findall(light) == ["#ffffff"]
    assert ".noetl .page{fill:#0d1117}" in dark


def test_its_rules_touch_nothing_else_on_a_page() -> None:
    style = parsed(HOSTILE_GRAPH).find(f"{NAMESPACE}style")
    assert style is not None
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", (style.text or "").replace("@media (prefers-color-scheme:dark){", ""))
    assert rules
    assert all(selector.strip().startswith(".noetl ") for rule in rules for selector in rule.split(","))


def test_text_has_room_in_its_node() -> None:
    picture = parsed(graph("- {name: " + "M" * 60 + ", run: [{action: noop}]}"))
    (step,) = groups(picture, "step")
    shape = step.find(f"{NAMESPACE}rect")
    assert shape is not None
    assert float(shape.get("width", "0")) > 60 * 11


def test_what_happened_is_in_words_and_in_colours() -> None:
    picture = parsed(
        drawn_run(
            """
            - name: A
              run: [{action: set, values: {n: "{{ n + 1 }}"}}]
              rule: [{case: n < 3, run: [{step: A}]}, {case: n == 9, run: [{step: C}]}, {case: default, run: [{step: B}]}]
            - {name: B, run: [{action: fail, message: no}]}
            - {name: C, run: [{action: noop}]}
            """
        )
    )
    classes = {texts(group)[0]: group.get("class", "").split()[-1] for group in groups(picture, "step")}
    assert classes == {"A": "completed", "B": "failed", "C": "unvisited"}
    assert any(re.fullmatch("3 visits, .*", text) for text in texts(picture))
    assert any(re.fullmatch(f"2{TIMES} .*", text) for text in texts(picture))
    assert len(groups(picture, "untaken")) == 2


def test_a_playbook_of_500_steps_can_be_drawn() -> None:
    steps = "\n".join(
        f"- {{name: S{number}, run: [{{action: noop}}], rule: [{{case: n == 1, run: [{{step: S{number * 7 % 500}}}]}}, "
        f"{{case: result.failed, run: [{{step: S499}}]}}, {{case: default, run: [{{step: S{(number + 1) % 500}}}]}}]}}"
        for number in range(499)
    )
    picture = parsed(graph(f"{steps}\n- {{name: S499, run: [{{action: noop}}]}}"))
    assert len(groups(picture, "step")) == 500


def test_the_same_graph_gives_the_same_picture() -> None:
    assert svg(HOSTILE_GRAPH) == svg(graph_of(noetl.load(HOSTILE)))
