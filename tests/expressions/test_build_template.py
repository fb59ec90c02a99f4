"""Values with expressions at some leaves."""

from __future__ import annotations

from evaluating import place, template

from noetl.expressions import build_template

SPAN = place("")(0, 1)


def test_expressions_at_the_leaves_are_rendered_in_the_order_of_the_keys() -> None:
    value = {
        "a": 1,
        "b": template("{{ n }}"),
        "c": {"d": [template("{{ n + 1 }}"), "x", [None]]},
        "e": template("{{ m }}"),
    }
    built = build_template(value, SPAN)
    assert not built.constant
    assert built.names == {"n", "m"}
    assert [expression.source for expression in built.expressions] == ["{{ n }}", "{{ n + 1 }}", "{{ m }}"]
    rendered = built.render({"n": 1, "m": {"k": 2}})
    assert rendered == {"a": 1, "b": 1, "c": {"d": [2, "x", [None]]}, "e": {"k": 2}}
    assert list(rendered) == ["a", "b", "c", "e"]


def test_a_single_expression_keeps_its_type() -> None:
    assert build_template(template("{{ n }}"), SPAN).render({"n": [1]}) == [1]


def test_a_value_without_expressions_is_constant() -> None:
    built = build_template({"a": [1, {"b": None}], "c": "{{ literal"}, SPAN)
    assert built.constant
    assert built.render({}) == {"a": [1, {"b": None}], "c": "{{ literal"}


def test_every_rendering_gives_fresh_containers() -> None:
    built = build_template({"a": [1, {"b": []}], "c": template("{{ n }}"), "d": {"e": {}}}, SPAN)
    first = built.render({"n": 1})
    first["a"][1]["b"].append("changed")
    first["d"]["e"]["f"] = "changed"
    first["g"] = "changed"
    assert built.render({"n": 1}) == {"a": [1, {"b": []}], "c": 1, "d": {"e": {}}}


def test_scalars_are_templates_too() -> None:
    assert build_template(None, SPAN).render({}) is None
    assert build_template("x", SPAN).constant
