"""The text of a playbook's file. What cannot be read is a problem like any other."""

from __future__ import annotations

import codecs
from pathlib import Path

from noetl.errors import PlaybookError, Problem
from noetl.language.nodes import Document
from noetl.language.reader import MAX_CHARACTERS
from noetl.span import Source, Span

#: What a text that is given without a file is called.
TEXT = "<text>"

#: No encoding that YAML knows needs more bytes for a character.
_MAX_BYTES = 4 * MAX_CHARACTERS
#: The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_source(playbook: str | Path) -> Source:
    """A text, which is a `str` with a line break, or the content of a file. Raises PlaybookError."""
    if isinstance(playbook, str) and "\n" in playbook:
        return Source(TEXT, playbook)
    name = str(playbook)
    try:
        with Path(playbook).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error)
        raise _refused("unreadable-file", f"the file cannot be read: {reason[:1].lower()}{reason[1:]}", name) from None
    if len(content) > _MAX_BYTES:
        raise _refused("too-large", f"a playbook may have {MAX_CHARACTERS} characters, this file has more", name)
    return Source(name, decoded(content, name))


def decoded(content: bytes, name: str) -> str:
    """The text of a file of this name. Raises PlaybookError."""
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        text = content.decode(encoding, "replace")
        offset = len(content[: error.start].decode(encoding, "ignore"))
        span = Document(Source(name, text)).span(offset, offset + 1)
        shown = encoding.removesuffix("-sig").upper()
        message = f"the file is not {shown}: it has the byte 0x{content[error.start]:02X} here"
        raise PlaybookError([Problem("yaml-syntax", message, span, hint="save it as UTF-8")]) from None


def _refused(code: str, message: str, name: str) -> PlaybookError:
    return PlaybookError([Problem(code, message, Span(Source(name, ""), 1, 1))])
