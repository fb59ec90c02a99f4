"""From the text of a template or condition to an Expression; a text is worked out once for all its places."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from noetl.errors import ExpressionError
from noetl.expressions.plain_paths import path_evaluator, plain_path
from noetl.model.expression import Expression, Names, Path
from noetl.span import Span

if TYPE_CHECKING:
    from noetl.expressions.rendering import Renderer

Evaluate = Callable[[Names], Any]

#: Different texts that are kept compiled; a process that serves many playbooks forgets the rest.
_KEPT = 10_000


def compile_text(text: str, at: Callable[[int, int], Span], *, lenient: bool) -> Expression:
    """The Expression of a template, or with `lenient` of a condition. Raises CompileError."""
    meaning = _meaning(text, lenient)
    whole = at(0, len(text))

    def evaluate(scope: Names) -> Any:
        try:
            return meaning.renderer.evaluate(scope)
        except ExpressionError:
            # A value of the scope was itself an expression, and has said what and where.
            raise
        except Exception as error:
            from noetl.expressions.failures import explain

            raise explain(error, scope, text, at) from None

    return Expression(
        source=text,
        span=whole,
        at=at,
        paths=meaning.paths,
        names=meaning.names,
        evaluate=evaluate if meaning.make is None else meaning.make(evaluate),
    )


class _Meaning(msgspec.Struct, frozen=True, dict=True):
    """What all places with the same text share; `make` gives the fast evaluator for a way out, where there is one."""

    text: str
    lenient: bool
    paths: frozenset[Path]
    make: Callable[[Evaluate], Evaluate] | None

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(str(path[0]) for path in self.paths)

    @cached_property
    def renderer(self) -> Renderer:
        # Few texts ever need it, so it is made from the text again rather than kept ready.
        from noetl.expressions.building import build_renderer

        return build_renderer(self.text, self.names, lenient=self.lenient)


@lru_cache(_KEPT)
def _meaning(text: str, lenient: bool) -> _Meaning:
    path = plain_path(text, lenient=lenient)
    if path is not None:
        return _Meaning(text, lenient, frozenset({path}), path_evaluator(path, lenient=lenient))
    from noetl.expressions.building import build

    paths, make = build(text, lenient=lenient)
    return _Meaning(text, lenient, paths, make)
