"""The reference way to evaluate a template: Jinja2's own code generator and renderer in our environment."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.environment import Template
from jinja2.runtime import Undefined

from noetl.expressions.environment import BUDGET, LENIENT, STRICT, Budget
from noetl.expressions.rewriting import Rewriter
from noetl.expressions.text import plain
from noetl.model.expression import Names

# The variable in which Jinja leaves the value of an expression.
_RESULT = "_result_"


class Renderer:
    """Renders one template as text, or evaluates one expression or condition."""

    def __init__(self, tree: nodes.Template | nodes.Expr, names: frozenset[str], *, lenient: bool) -> None:
        environment = LENIENT if lenient else STRICT
        rewriter = Rewriter(lenient=lenient)
        self._names = names
        self._is_text = isinstance(tree, nodes.Template)
        self._lenient = lenient
        if isinstance(tree, nodes.Template):
            rewriter.statement(tree)
        else:
            target = nodes.Name(_RESULT, "store", lineno=1)
            tree = nodes.Template([nodes.Assign(target, rewriter.value(tree), lineno=1)], lineno=1)
        tree.set_environment(environment)
        code = environment.compile(tree)
        self._template = Template.from_code(environment, code, {})

    def evaluate(self, scope: Names) -> Any:
        """The value. Raises whatever Jinja2 and our operations raise."""
        variables = {BUDGET: Budget()}
        for name in self._names:
            try:
                variables[name] = scope[name]
            except KeyError:
                continue
        context = self._template.new_context(variables)
        written = "".join(self._template.root_render_func(context))
        if self._is_text:
            return written
        value = context.vars[_RESULT]
        if self._lenient:
            return None if isinstance(value, Undefined) else value
        return plain(value)
