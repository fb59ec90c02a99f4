"""From text to Jinja2's tree, in which every `lineno` is the offset of its token: positions exact to the character."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Token, TokenStream, describe_token
from jinja2.parser import Parser

from noetl.expressions.environment import STRICT
from noetl.expressions.errors import CompileError

# Jinja reads all line ends as `\n`, and a template must give back what it was: one of these stands for `\r` meanwhile.
_STAND_INS = "\x1f\x1e\x1d\x1c"
# The escapes of texts inside expressions. All other backslashes stay, `\d`, `\b` and `\1` too, as patterns need them.
_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = frozenset("\\'\"nrtxuU\n")


class RawToken(msgspec.Struct, frozen=True):
    """A piece of the text as Jinja's lexer cuts it."""

    offset: int
    kind: str
    text: str

    @property
    def word(self) -> str:
        """What is written, for a text without its quotes."""
        return self.text[1:-1] if self.kind == "string" else self.text

    @property
    def is_code(self) -> bool:
        return self.kind not in ("data", "whitespace", "raw_begin", "raw_end")


def raw_tokens(text: str, *, bare: bool) -> Iterator[RawToken]:
    """All pieces of a template, or of a bare expression. Raises CompileError where there is none."""
    source = text.replace("\r", _stand_in(text))
    position = 0
    try:
        for _, kind, piece in STRICT.lexer.tokeniter(source, None, None, "variable" if bare else None):
            # White space that a `-` strips from the text before it is no token.
            position = source.index(piece, position)
            yield RawToken(position, kind, text[position : position + len(piece)])
            position += len(piece)
    except TemplateSyntaxError as error:
        while position < len(text) and text[position].isspace():
            position += 1
        raise _malformed(error, position, text) from None


def read_template(text: str) -> nodes.Template:
    """The tree of a template. Raises CompileError."""
    tree = _parse(text, bare=False)
    assert isinstance(tree, nodes.Template)
    return tree


def read_expression(text: str) -> nodes.Expr:
    """The tree of an expression without braces. Raises CompileError."""
    tree = _parse(text, bare=True)
    assert isinstance(tree, nodes.Expr)
    return tree


def _parse(text: str, *, bare: bool) -> nodes.Node:
    parser = Parser(STRICT, "")
    try:
        parser.stream = TokenStream(_tokens(text, bare=bare), None, None)
        if not bare:
            return parser.parse()
        tree = parser.parse_expression()
        if not parser.stream.eos:
            current = parser.stream.current
            raise TemplateSyntaxError(f"unexpected '{describe_token(current)}'", current.lineno)
        return tree
    except TemplateSyntaxError as error:
        raise _malformed(error, error.lineno, text, bare=bare) from None
    except RecursionError:
        raise CompileError("template-syntax", "the expression is nested too deeply", length=len(text)) from None
    except ValueError:
        raise CompileError("template-syntax", "a number is too long", length=len(text)) from None


def _tokens(text: str, *, bare: bool) -> Iterator[Token]:
    stand_in = _stand_in(text)
    pieces = (
        (token.offset, token.kind, _escaped(token).replace("\r", stand_in)) for token in raw_tokens(text, bare=bare)
    )
    for token in STRICT.lexer.wrap(pieces):
        restored = token.type in ("data", "string") and stand_in in token.value
        yield token._replace(value=token.value.replace(stand_in, "\r")) if restored else token


def _stand_in(text: str) -> str:
    return next((char for char in _STAND_INS if char not in text), _STAND_INS[0])


def _escaped(token: RawToken) -> str:
    return _BACKSLASH.sub(_escape, token.text) if token.kind == "string" else token.text


def _escape(found: re.Match[str]) -> str:
    return found[0] if found[1] in _ESCAPES else "\\" + found[0]


def _malformed(error: TemplateSyntaxError, offset: int, text: str, bare: bool | None = None) -> CompileError:
    from noetl.expressions.syntax_errors import sentence

    message, hint = sentence(str(error.message))
    length = 1
    if bare is not None:
        length = next((len(token.text) for token in raw_tokens(text, bare=bare) if token.offset == offset), 1)
    return CompileError("template-syntax", message, offset=offset, length=length, hint=hint)
