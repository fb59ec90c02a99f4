"""YAML text to located nodes: the syntax, duplicate keys, anchors, tags and limits. Knows nothing of playbooks.

The parser's events are followed with a stack of our own, so that no nesting of the text can exhaust Python's or C's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from noetl.errors import Problem
from noetl.language.anchors import MAX_DEPTH, Anchors
from noetl.language.nodes import Document, Mapping, Node, Scalar, Sequence
from noetl.language.scalars import core_value
from noetl.language.surrogates import joined, without_filler
from noetl.language.syntax import Fault, explain, unquoted_template
from noetl.language.tags import LITERAL, is_known, shown, tagged_value
from noetl.span import Source

#: How many characters a playbook may have.
MAX_CHARACTERS = 32 * 1024 * 1024

# Said of what is forbidden: the ranges of what is allowed take twenty times as long to compile.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
#: Anchor and tag, which stand before the node that they are about; compiled only for a text that has some.
_PROPERTIES = r"(?:[&!]\S*\s+)*(?:[&!][^\s,\[\]{}]*(?=[\s,\]}]|$)\s*)?"


def read(source: Source, problems: list[Problem]) -> Node | None:
    """The root of the one document in the text; None when its syntax is wrong."""
    document = Document(source)
    try:
        _check_characters(source.text)
        return _Builder(document, problems).build()
    except Fault as fault:
        problem = Problem(fault.code, fault.message, document.span(fault.start, fault.end), hint=fault.hint)
        # What stopped the parser may have been seen before, without knowing how far it goes.
        problems[:] = [found for found in problems if str(found.span) != str(problem.span)]
        problems.append(problem)
        return None


def _check_characters(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        message = f"a playbook may have {MAX_CHARACTERS} characters, this one has {len(text)}"
        raise Fault(message, 0, 1, code="too-large")
    found = _FORBIDDEN.search(text)
    if found:
        code = ord(found[0])
        escape = f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}"
        hint = 'write it as "' + escape + '", in double quotes' if not 0xD800 <= code < 0xE000 else None
        raise Fault(f"the character U+{code:04X} cannot stand in YAML", found.start(), found.end(), hint)


class _Frame:
    """A collection that is being read: `items` of a list, or `entries` of a mapping and the `key` of the next one."""

    __slots__ = ("anchor", "entries", "flow", "items", "key", "merges", "start")

    def __init__(self, start: int, flow: bool, anchor: str | None, mapping: bool) -> None:
        self.start = start
        self.flow = flow
        self.anchor = anchor
        self.items: list[Node] = []
        self.entries: dict[str, tuple[Scalar, Node]] | None = {} if mapping else None
        self.key: Node | None = None
        self.merges: list[Node] | None = None


class _Builder:
    """Turns the events of one text into nodes."""

    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self._document = document
        self._text = document.source.text
        self._parsed = joined(self._text)
        self._problems = problems
        self._stack: list[_Frame] = []
        self._anchors = Anchors()
        self._root: Node | None = None

    def build(self) -> Node:
        from yaml import YAMLError, events

        try:
            self._follow(_events(self._parsed), events)
        except YAMLError as error:
            raise explain(error, self._text) from None
        return Scalar(self._document, 0, 0, "", None) if self._root is None else self._root

    def _follow(self, found: Iterator[Any], events: Any) -> None:
        scalar, alias = events.ScalarEvent, events.AliasEvent
        mapping_start, sequence_start = events.MappingStartEvent, events.SequenceStartEvent
        mapping_end, sequence_end = events.MappingEndEvent, events.SequenceEndEvent
        for event in found:
            kind = type(event)
            if kind is scalar:
                self._add(self._scalar(event))
            elif kind is mapping_start or kind is sequence_start:
                self._open(event, kind is mapping_start)
            elif kind is mapping_end or kind is sequence_end:
                self._add(self._closed(event))
            elif kind is alias:
                self._add(self._anchors.repeated(event, len(self._stack)))
            elif kind is events.DocumentStartEvent and self._root is not None:
                start = event.start_mark.index
                raise Fault("a file holds one playbook, and here a second YAML document starts", start, start + 3)

    def _add(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        if frame.entries is None:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            key = frame.key
            frame.key = None
            if type(key) is Scalar and key.text not in frame.entries and key.text != "<<":
                frame.entries[key.text] = (key, node)
            else:
                self._unusual_entry(frame, frame.entries, key, node)

    def _scalar(self, event: Any) -> Scalar:
        start, end = event.start_mark.index, event.end_mark.index
        text, style = event.value, event.style or ""
        if self._parsed is not self._text:
            text = without_filler(text)
        if event.tag is None and event.anchor is None:
            return Scalar(self._document, start, end, text, text if style else core_value(text), style)
        tag, literal = event.tag, event.tag == LITERAL
        if tag is None or tag == "!" or literal:
            value = text if style or tag is not None else core_value(text)
        else:
            value = self._tagged(event, text, style)
        start = self._content_start(start, end)
        node = Scalar(self._document, start, end, text, value, style, literal)
        if event.anchor is not None:
            self._anchors.keep(event.anchor, node)
        return node

    def _content_start(self, start: int, end: int) -> int:
        properties = re.compile(_PROPERTIES).match(self._text, start, end)
        return start if properties is None else properties.end()

    def _tagged(self, event: Any, text: str, style: str) -> Any:
        if not is_known(event.tag):
            self._unknown_tag(event)
            return text if style else core_value(text)
        try:
            return tagged_value(event.tag, text)
        except ValueError as error:
            self._report(str(error), event.start_mark.index, event.end_mark.index)
            return text

    def _unknown_tag(self, event: Any) -> None:
        start = self._text.index("!", event.start_mark.index)
        if event.tag == LITERAL or is_known(event.tag):
            message, hint = f"'{shown(event.tag)}' stands before a single value, not a list or mapping", None
        else:
            message = f"the tag '{shown(event.tag)}' is not known"
            hint = "'!literal' is the only tag of playbooks; quote a text that starts with '!'"
        self._report(message, start, start + len(shown(event.tag)), hint)

    def _open(self, event: Any, mapping: bool) -> None:
        start = event.start_mark.index
        if event.tag is not None or event.anchor is not None:
            if event.tag not in (None, "!") and not is_known(event.tag, mapping=mapping):
                self._unknown_tag(event)
            start = self._content_start(start, len(self._text))
            if event.anchor is not None:
                self._anchors.begin(event.anchor)
        if len(self._stack) >= MAX_DEPTH:
            raise Fault(f"lists and mappings are nested deeper than {MAX_DEPTH}", start, start + 1, code="too-large")
        self._stack.append(_Frame(start, bool(event.flow_style), event.anchor, mapping))

    def _closed(self, event: Any) -> Node:
        frame = self._stack.pop()
        # A block ends for the parser where the next token begins: its text ends with the last node in it.
        end = event.end_mark.index if frame.flow else _block_end(frame)
        node: Node
        if frame.entries is None:
            node = Sequence(self._document, frame.start, end, frame.items)
        elif frame.key is _TEMPLATE:
            node = self._template(frame.start, end)
        elif frame.merges is not None:
            node = Mapping(self._document, frame.start, end, {**self._merged(frame.merges), **frame.entries})
        else:
            node = Mapping(self._document, frame.start, end, frame.entries)
        if frame.anchor is not None:
            self._anchors.keep(frame.anchor, node)
        return node

    def _unusual_entry(self, frame: _Frame, entries: dict[str, tuple[Scalar, Node]], key: Node, value: Node) -> None:
        if key is _TEMPLATE:
            frame.key = _TEMPLATE
        elif not isinstance(key, Scalar):
            if isinstance(key, Mapping) and key.start == frame.start + 1 and self._text.startswith("{{", frame.start):
                frame.key = _TEMPLATE
            else:
                self._report(f"a key must be a text, got {key.noun}", key.start, key.end)
        elif key.text == "<<" and not key.style:
            frame.merges = [*(frame.merges or ()), value]
        elif key.text in entries:
            first = entries[key.text][0].span
            message = f"the key '{key.text}' stands here for the second time, first on line {first.line}"
            self._problems.append(Problem("duplicate-key", message, key.span, hint="remove one of them"))
        else:
            entries[key.text] = (key, value)

    def _template(self, start: int, end: int) -> Scalar:
        fault = unquoted_template(self._text, start, end)
        self._report(fault.message, fault.start, fault.end, fault.hint)
        text = self._text[start:end]
        return Scalar(self._document, start, end, text, text)

    def _merged(self, merges: list[Node]) -> dict[str, tuple[Scalar, Node]]:
        merged: dict[str, tuple[Scalar, Node]] = {}
        for node in merges:
            for mapping in node.items if isinstance(node, Sequence) else [node]:
                if isinstance(mapping, Mapping):
                    merged = {**mapping.entries, **merged}
                else:
                    message = f"'<<' merges mappings, got {mapping.described()}"
                    self._report(message, mapping.start, mapping.end)
        return merged

    def _report(self, message: str, start: int, end: int, hint: str | None = None) -> None:
        self._problems.append(Problem("yaml-syntax", message, self._document.span(start, end), hint=hint))


#: The key of a mapping that was meant as a template: `{{ x }}` without quotes is a mapping with a mapping as its key.
_TEMPLATE: Any = object()


def _block_end(frame: _Frame) -> int:
    if frame.entries:
        key, last = next(reversed(frame.entries.values()))
        return max(key.end, last.end)
    return max(frame.start + 1, frame.items[-1].end) if frame.items else frame.start + 1


def _events(text: str) -> Iterator[Any]:
    """The parser's events, from libyaml where it is there."""
    import yaml

    parser: Any
    try:
        from yaml._yaml import CParser

        parser = CParser(text)
    except ImportError:
        parser = yaml.SafeLoader(text)
    return iter(parser.get_event, None)
