"""What a template says and reads, before it ever runs: unknown words are errors, and its paths are collected."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

import msgspec
from jinja2 import meta, nodes
from jinja2.exceptions import TemplateSyntaxError

from noetl.expressions.access import METHODS
from noetl.expressions.errors import CompileError
from noetl.expressions.filters import TEST_TABLE
from noetl.expressions.reading import raw_tokens
from noetl.expressions.rewriting import static_path
from noetl.expressions.vocabulary import FILTERS, FUNCTIONS, RECORDED, REMOVED_FILTERS, TESTS
from noetl.model.expression import Path
from noetl.spelling import did_you_mean

#: The deepest tree. Generated Python nests up to three brackets for each level, and can nest two hundred.
DEEPEST = 60

_OTHER_FILES = "a template cannot read other templates"
_MACROS = "there are no macros: write a task"
_REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Include: ("include", _OTHER_FILES),
    nodes.Import: ("import", _OTHER_FILES),
    nodes.FromImport: ("from", _OTHER_FILES),
    nodes.Extends: ("extends", _OTHER_FILES),
    nodes.Block: ("block", _OTHER_FILES),
    nodes.Macro: ("macro", _MACROS),
    nodes.CallBlock: ("call", _MACROS),
    nodes.ScopedEvalContextModifier: ("autoescape", "nothing is escaped here"),
}


class _Fault(msgspec.Struct, frozen=True):
    """A word that there is not; it stands at or after `offset`. Without a word, what stands there is meant."""

    code: str
    message: str
    word: str
    offset: int
    hint: str | None = None


def check_words(tree: nodes.Node, text: str, *, bare: bool) -> None:
    """Raises CompileError for the first filter, test, function, method or statement that there is not."""
    todo = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        if depth > DEEPEST:
            message = f"the expression is nested more than {DEEPEST} levels deep"
            raise CompileError("template-syntax", message, length=len(text))
        fault = _fault(node)
        if fault is not None:
            offset, length = _place(fault, text, bare=bare)
            raise CompileError(fault.code, fault.message, offset=offset, length=length, hint=fault.hint)
        # What stands first in the text is looked at first.
        todo += [(child, depth + 1) for child in reversed(list(node.iter_child_nodes()))]


def _place(fault: _Fault, text: str, *, bare: bool) -> tuple[int, int]:
    tokens = [token for token in raw_tokens(text, bare=bare) if token.is_code and token.offset >= fault.offset]
    named = next((token for token in tokens if token.word == fault.word), tokens[0])
    return named.offset + named.text.find(named.word), len(named.word)


def _fault(node: nodes.Node) -> _Fault | None:
    match node:
        case nodes.Filter(name=name):
            return _filter_fault(node) if name in FILTERS else _unknown_filter(name, node.lineno)
        case nodes.Test(name=name) if name not in TEST_TABLE:
            return _unknown_test(name, node.lineno)
        case nodes.Call():
            return _call_fault(node)
        case nodes.Getattr(attr=attr) if attr.startswith("__") and attr.endswith("__"):
            return _syntax(f"'{attr}' is no attribute: it starts with an underscore", attr, node.lineno)
        case nodes.For(recursive=True):
            return _syntax("a loop cannot be recursive", "recursive", node.lineno)
        case nodes.Name(name="self"):
            return _syntax("'self' is not a name that a template can read", "self", node.lineno)
        case nodes.Const(value=float() as value) if isinf(value):
            return _syntax("the number is too large", "", node.lineno)
    if type(node) in _REFUSED:
        tag, reason = _REFUSED[type(node)]
        return _syntax(f"'{{% {tag} %}}' is not available: {reason}", tag, node.lineno)
    return None


def _syntax(message: str, word: str, offset: int) -> _Fault:
    return _Fault("template-syntax", message, word, offset)


def _unknown_filter(name: str, offset: int) -> _Fault:
    hint = REMOVED_FILTERS.get(name) or did_you_mean(name, FILTERS)
    return _Fault("unknown-filter", f"filter '{name}' is not defined", name, offset, hint)


def _unknown_test(name: str, offset: int) -> _Fault:
    return _Fault("unknown-test", f"test '{name}' is not defined", name, offset, did_you_mean(name, TESTS))


def _filter_fault(node: nodes.Filter) -> _Fault | None:
    """`map('name')`, `select('name')` and `selectattr('key', 'name')` name filters and tests too."""
    position = {"map": 0, "select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}.get(node.name, len(node.args))
    if position >= len(node.args):
        return None
    named = node.args[position]
    if not isinstance(named, nodes.Const) or not isinstance(named.value, str):
        return None
    if node.name == "map":
        return None if named.value in FILTERS else _unknown_filter(named.value, named.lineno)
    return None if named.value in TEST_TABLE else _unknown_test(named.value, named.lineno)


def _call_fault(node: nodes.Call) -> _Fault | None:
    if isinstance(node.node, nodes.Getattr):
        name, offset = node.node.attr, node.node.lineno
        if name in METHODS:
            return None
        return _Fault("unknown-name", f"method '{name}' is not available", name, offset, did_you_mean(name, METHODS))
    if not isinstance(node.node, nodes.Name):
        return _syntax("only functions and methods can be called", "(", node.lineno)
    name = node.node.name
    if name in FUNCTIONS:
        return None
    hint = f"it is a filter, write 'value | {name}'" if name in FILTERS else did_you_mean(name, FUNCTIONS)
    return _Fault("unknown-name", f"function '{name}' is not defined", name, node.node.lineno, hint)


def read_paths(tree: nodes.Node) -> frozenset[Path]:
    """The longest static paths of all that the tree reads from its scope."""
    paths = frozenset(_paths(tree))
    if not any(
        isinstance(node, nodes.Stmt) and not isinstance(node, nodes.Output) for node in tree.find_all(nodes.Stmt)
    ):
        return paths
    assert isinstance(tree, nodes.Template)
    try:
        free = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise CompileError(
            "template-syntax", "a statement assigns what cannot be assigned", offset=error.lineno
        ) from None
    return frozenset(path for path in paths if path[0] in free)


def _paths(node: nodes.Node) -> Iterator[Path]:
    chain = static_path(node)
    if chain is not None:
        if chain[0].ctx == "load":
            yield chain[1]
        return
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        yield from _paths(node.node.node)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        if node.node.name in RECORDED:
            yield (node.node.name,)
    elif isinstance(node, nodes.Call):
        yield from _paths(node.node)
    exclude = ("node",) if isinstance(node, nodes.Call) else ()
    for child in node.iter_child_nodes(exclude=exclude):
        yield from _paths(child)
