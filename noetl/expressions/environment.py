"""The two sandboxed Jinja2 environments: for templates, where undefined raises; for conditions, where it is false."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn

from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, pass_context

from noetl.expressions.access import attribute, call_method, item, part
from noetl.expressions.errors import Refused
from noetl.expressions.filters import FILTER_TABLE, TEST_TABLE
from noetl.expressions.limits import MOST_ROUNDS, add, check_size, join_text, modulo, multiply, number_range, power
from noetl.expressions.text import text
from noetl.expressions.undefined import Lenient, Missing, UndefinedValue

#: The name under which a rendering keeps its Budget; no template can say it.
BUDGET = "budget of this rendering"

#: Functions of templates that need nothing from the run.
FUNCTION_TABLE: dict[str, Callable[..., Any]] = {"dict": dict, "namespace": Namespace, "range": number_range}


class Budget:
    """What is left of the rounds of `for` blocks and of the text of one rendering."""

    __slots__ = ("rounds", "size")

    def __init__(self) -> None:
        self.rounds = 0
        self.size = 0

    def spend_rounds(self, count: int) -> None:
        self.rounds += count
        if self.rounds > MOST_ROUNDS:
            raise Refused(f"the loops run more than {MOST_ROUNDS} times")

    def spend_text(self, length: int) -> None:
        self.size += length
        check_size(self.size)


class Sandbox(ImmutableSandboxedEnvironment):
    """Reads data only, and calls nothing but what the rewritten tree names (see `rewriting`)."""

    intercepted_binops = frozenset({"+", "*", "%", "**"})

    def __init__(self, undefined: type[Undefined]) -> None:
        super().__init__(
            undefined=undefined,
            # There are no comments: `{#` is common in shell text. NUL never stands in a playbook.
            comment_start_string="\0{#",
            comment_end_string="#}\0",
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            # Constants are not computed in advance: a bomb must not go off while a playbook is checked.
            optimized=False,
            autoescape=False,
            finalize=_finalize,
            cache_size=0,
        )
        self.globals = {}
        self.binop_table |= {"+": add, "*": multiply, "%": modulo, "**": power}

    def getattr(self, obj: Any, attribute_name: str) -> Any:
        return attribute(obj, attribute_name, self.undefined)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return item(obj, argument, self.undefined)

    def call(self, *_: Any, **__: Any) -> NoReturn:
        raise SecurityError("nothing is called but by the rewritten tree")


@pass_context
def _finalize(context: Context, value: Any) -> str:
    written = text(value)
    context[BUDGET].spend_text(len(written))
    return written


@pass_context
def _rounds(context: Context, value: Any) -> list[Any]:
    """The items of a `for` block, paid for."""
    entries = list(value)
    context[BUDGET].spend_rounds(len(entries))
    return entries


def _required(value: Any, offset: int, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, Undefined):
        raise UndefinedValue(value, offset, path)
    return value


def _call_function(name: str, *args: Any, **kwargs: Any) -> Any:
    return FUNCTION_TABLE[name](*args, **kwargs)


@pass_context
def _call_recorded(context: Context, name: str, *args: Any, **kwargs: Any) -> Any:
    return context[name](*args, **kwargs)


def _concat(*values: Any) -> str:
    return join_text([text(value) for value in values])


def _contains(value: Any, container: Any) -> bool:
    return value in container


def _contains_not(value: Any, container: Any) -> bool:
    return value not in container


def _false(_: object) -> bool:
    return False


def _itself(value: Any, *_: object) -> Any:
    return value


def _or_null(value: Any) -> Any:
    return None if isinstance(value, Undefined) else value


def _is_none(value: Any) -> bool:
    return value is None or isinstance(value, Undefined)


#: What `rewriting` puts in the place of other nodes. A name with a space cannot be written in a template.
OPERATIONS: dict[str, Callable[..., Any]] = {
    "required value": _required,
    "rounds of": _rounds,
    "call function": _call_function,
    "call recorded": _call_recorded,
    "call method": call_method,
    "concat text": _concat,
    "part of": part,
    "or null": _or_null,
}
#: Comparisons of conditions; those of templates stay as they are.
_MEMBERSHIP: dict[str, Callable[..., Any]] = {"is in": _contains, "is not in": _contains_not}

#: What is given an undefined value instead of being skipped for it.
_TOLERANT = frozenset({"d", "default", "defined", "undefined", "none", "None", "or null", "required value"})


def _skipping(table: Mapping[str, Callable[..., Any]], answer: Callable[[Any], Any]) -> dict[str, Callable[..., Any]]:
    """The functions, each giving `answer(argument)` when an argument is undefined."""

    def skipping(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for argument in (*args, *kwargs.values()):
                if isinstance(argument, Undefined):
                    return answer(argument)
            return function(*args, **kwargs)

        return call

    return {name: function if name in _TOLERANT else skipping(function) for name, function in table.items()}


def _with_tables(sandbox: Sandbox, filters: Mapping[str, Any], tests: Mapping[str, Any]) -> Sandbox:
    # Jinja's own tables are replaced, not added to.
    sandbox.filters.clear()
    sandbox.filters.update(filters)
    sandbox.tests.clear()
    sandbox.tests.update(tests)
    return sandbox


def _template_environment() -> Sandbox:
    return _with_tables(Sandbox(Missing), {**FILTER_TABLE, **OPERATIONS}, TEST_TABLE)


def _condition_environment() -> Sandbox:
    operations = {**OPERATIONS, "required value": _itself}
    tests = {**TEST_TABLE, "none": _is_none, "None": _is_none}
    filters = {
        **_skipping({**FILTER_TABLE, **operations}, _itself),
        **_skipping(_MEMBERSHIP, _false),
    }
    return _with_tables(Sandbox(Lenient), filters, _skipping(tests, _false))


STRICT = _template_environment()
LENIENT = _condition_environment()
