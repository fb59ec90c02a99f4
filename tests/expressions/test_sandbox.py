"""What a template cannot reach, and what it cannot cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from evaluating import condition, template, value

from noetl.errors import ExpressionError
from noetl.expressions import CompileError
from noetl.values import to_json

SCOPE: dict[str, Any] = {
    "s": "abc",
    "d": {"a": 1},
    "xs": [1, 2],
    "n": 7,
    "name": "__class__",
    "now": lambda: "2026-01-01",
}

ESCAPES = [
    "''.__class__.__mro__",
    "s.__class__",
    "s['__class__']",
    "s[name]",
    "s._formatter_parser",
    "d.__init__",
    "d['__init__']",
    "xs.__add__",
    "n.__class__",
    "n.real",
    "(1).real",
    "s.format.__globals__",
    "s.format",
    "'{0.__class__}'.format(s)",
    "'{0[a]}'.format(d)",
    "'{a.__class__}'.format(a=s)",
    "'%s'.format_map(d)",
    "s.encode()",
    "s.translate({})",
    "s.maketrans('a', 'b')",
    "d.update({'b': 1})",
    "d.pop('a')",
    "d.clear()",
    "d.setdefault('b', 1)",
    "xs.append(3)",
    "xs.sort()",
    "xs.extend([3])",
    "xs.pop()",
    "range.__init__",
    "range.start",
    "dict.fromkeys(s)",
    "dict.__base__",
    "namespace.__init__.__globals__",
    "now.__globals__",
    "now.__call__()",
    "lipsum.__globals__",
    "cycler.__init__",
    "joiner()",
    "self.__init__",
    "self._TemplateReference__context",
    "super()",
    "caller()",
    "loop.__class__",
    "s | attr('__class__')",
    "s | map(attribute='__class__') | list",
    "[s] | map('attr', '__class__') | list",
    "[s] | map(attribute='__class__') | list",
    "[s] | map(name) | list",
    "['x'] | map('call function') | list",
    "['x'] | map('call' ~ ' function') | list",
    "xs | selectattr('__class__', 'defined') | first",
    "xs | sort(attribute='__class__')",
    "xs | groupby('__class__')",
    "xs | sum(attribute='__class__')",
    "s | xmlattr",
    "s | pprint",
    "xs | random",
    "s is callable",
    "s is filter",
    "s | format(s.__class__)",
    "config",
    "__import__('os')",
    "open('/etc/passwd')",
    "().__class__.__bases__[0].__subclasses__()",
    "_",
    "s | _text",
    "xs | tojson | safe",
]


@pytest.mark.parametrize("expression", ESCAPES)
def test_nothing_but_data_is_in_reach_of_a_template(expression: str) -> None:
    try:
        found = template(f"{{{{ {expression} }}}}").evaluate(SCOPE)
    except (CompileError, ExpressionError):
        return
    raise AssertionError(f"{expression} gave {found!r}")


@pytest.mark.parametrize("expression", ESCAPES)
def test_nothing_but_data_is_in_reach_of_a_condition(expression: str) -> None:
    try:
        found = condition(expression).evaluate(SCOPE)
    except (CompileError, ExpressionError):
        return
    # All of it is data: what is not has no JSON.
    to_json(found)


@pytest.mark.parametrize(
    "text",
    [
        "{% set ns = namespace() %}{{ ns._Namespace__attrs }}",
        "{% set ns = namespace() %}{{ ns.__class__ }}",
        "{% for x in xs %}{{ loop._iterable }}{% endfor %}",
        "{% for x in xs %}{{ loop.__init__ }}{% endfor %}",
        "{% for x in xs %}{{ loop }}{% endfor %}",
        "{% for x in xs %}{{ loop() }}{% endfor %}",
        "{% set f = range %}{{ f(3) }}",
        "{% set d.a = 2 %}{{ d.a }}",
        "{% for loop in xs %}{% endfor %}",
        "{% include name %}",
        "{% autoescape true %}{{ s }}{% endautoescape %}",
    ],
)
def test_statements_reach_no_more(text: str) -> None:
    with pytest.raises((CompileError, ExpressionError)):
        value(text, SCOPE)


def test_data_is_never_changed() -> None:
    scope = {"d": {"a": [1]}, "xs": [3, 1]}
    value(
        "{{ d | combine({'a': 2}) }}{{ xs | sort }}{{ xs | reverse }}{{ [xs] | sum(start=d.a) }}{{ xs + [1] }}", scope
    )
    value("{% set x = d.a %}{% set ns = namespace(a=xs) %}{% set ns.a = 1 %}", scope)
    assert scope == {"d": {"a": [1]}, "xs": [3, 1]}


BOMBS = [
    "'a' * 10 ** 9",
    "10 ** 9 * 'a'",
    "'a' * 10 ** 6 * 10 ** 6",
    "[0] * 10 ** 9",
    "[1] * 10 ** 6 * 10 ** 6",
    "['a' * 10 ** 6] * 10 ** 5",
    "(1, 2) * 10 ** 9",
    "10 ** (10 ** 9)",
    "(10 ** (10 ** 9)) * 0",
    "(2 ** 13000) ** 1000",
    "(2 ** 13000) * (2 ** 13000)",
    "(-3) ** 99999999",
    "range(10 ** 9) | list",
    "range(10 ** 30)",
    "range(0, -(10 ** 9), -1) | length",
    "'%1000000000d' % 1",
    "'%.1000000000f' % 1",
    "'%*d' % (10 ** 9, 1)",
    "'%-1000000000s' % 'a'",
    "'%(a)1000000000s' % {'a': 1}",
    "'%1000000000d' | format(1)",
    "'%1000000000d' is odd",
    "'{:1000000000}'.format(1)",
    "'{:.1000000000f}'.format(1.5)",
    "'{:{}}'.format(1, 10 ** 9)",
    "'{:>{w}}'.format(1, w=10 ** 9)",
    "'a' | center(10 ** 9)",
    "'a'.center(10 ** 9)",
    "'a'.ljust(10 ** 9)",
    "'a'.rjust(width=10 ** 9)",
    "'a'.zfill(10 ** 9)",
    "'\\t'.expandtabs(10 ** 9)",
    "('\\t' * 10 ** 5).expandtabs(10 ** 4)",
    "'a' | indent(10 ** 9, true)",
    "'a' | indent('b' * 10 ** 6, true)",
    "('a' * 10 ** 6).replace('a', 'b' * 10 ** 6)",
    "('a' * 10 ** 6) | replace('', 'b' * 10 ** 6)",
    "('a' * 10 ** 6) | regex_replace('a', 'b' * 900)",
    "('b' * 10 ** 6).join(range(10 ** 5))",
    "range(10 ** 5) | join('b' * 10 ** 6)",
    "range(10 ** 5) | map('center', 10 ** 4) | list",
    "range(10 ** 5) | map('string') | map('replace', '', 'b' * 10 ** 6) | list",
    "[1] | batch(10 ** 9, 0)",
    "[1] | slice(10 ** 9)",
    "1.5 | round(10 ** 9)",
    "15 | round(-(10 ** 9))",
    "15 | round(10 ** 9, 'ceil')",
    "'a' | round(10 ** 9, 'floor')",
    "('9' * 10 ** 6) | int",
    "('f' * 10 ** 7) | int(base=16)",
    "('a' * 10 ** 7) | wordwrap(1)",
    "('a' * 10 ** 5) | wordwrap(1, wrapstring='b' * 10 ** 6)",
    "[['a' * 10 ** 7] * 9] * 9",
    "{'a': 'x' * 10 ** 7, 'b': [1] * 10 ** 9}",
    "'x' * (2 ** 62)",
    "1 if 'a' * 10 ** 9 else 2",
    "'a: &a [x, x, x, x, x, x, x, x]\\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\\n"
    "d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\\nf: [*e, *e, *e, *e, *e, *e, *e, *e]'"
    " | from_yaml",
    "'a: &a [*a]' | from_yaml",
    "'[' * 100000 | from_json",
    "('[' * 100000) | from_yaml",
    "0 | datetime('%1000000000Y')",
    "1e300 | datetime",
]
STATEMENT_BOMBS = [
    "{% for a in range(10 ** 5) %}{% for b in range(10 ** 5) %}{% endfor %}{% endfor %}",
    "{% for a in range(10 ** 5) %}{{ 'x' * 10 ** 6 }}{% endfor %}",
    "{% set ns = namespace(x='a') %}{% for a in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x='a') %}{% for a in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for a in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[1]) %}{% for a in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x=3) %}{% for a in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "{% set ns = namespace(x='\"') %}{% for a in range(100) %}{% set ns.x = ns.x | json %}{% endfor %}",
    "{% set x %}{% for a in range(10 ** 5) %}{{ 'x' * 10 ** 6 }}{% endfor %}{% endset %}",
]
#: What a bomb may allocate before it is refused.
MOST_MEMORY = 400 * 1024 * 1024


def memory(what: str) -> int:
    """What the system says of this process: to have Python watch each allocation makes the largest bombs very slow."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


@pytest.mark.parametrize("text", [*(f"{{{{ {bomb} }}}}" for bomb in BOMBS), *STATEMENT_BOMBS])
def test_what_would_eat_memory_or_time_is_refused(text: str) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory("VmRSS")
    with pytest.raises((CompileError, ExpressionError)) as raised:
        value(text, {})
    assert memory("VmHWM") - before < MOST_MEMORY
    assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize("bomb", BOMBS[:40])
def test_a_bomb_goes_off_in_no_condition(bomb: str) -> None:
    try:
        condition(bomb).evaluate({})
    except (CompileError, ExpressionError):
        return
    raise AssertionError(f"{bomb} was evaluated")


@pytest.mark.parametrize(
    ("text", "length"),
    [("{{ 'a' * 10 ** 6 }}", 10**6), ("{{ ([1] * 1000) | length }}", 1000), ("{{ 'a' | center(500) }}", 500)],
)
def test_reasonable_sizes_are_possible(text: str, length: int) -> None:
    found = value(text)
    assert (found if isinstance(found, int) else len(found)) == length
