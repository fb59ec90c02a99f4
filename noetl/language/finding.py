"""Finds the playbooks that files, folders and patterns stand for. Reads them, and does not look into their sense."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from glob import has_magic, iglob
from pathlib import Path

import msgspec

from noetl.errors import PlaybookError, Problem
from noetl.language.files import read_source
from noetl.span import Source, Span

#: What a playbook's file may end with.
ENDINGS = (".yaml", ".yml", ".json")

#: Folders of others' files, often by the ten thousand.
_FOREIGN = frozenset({"node_modules"})

_VERSION = re.compile(r"""^(?P<quote>["']?)apiVersion(?P=quote)\s*:\s*["']?(?P<version>[^\s"',}]*)""", re.MULTILINE)
_KIND = re.compile(r"""^(?P<quote>["']?)kind(?P=quote)\s*:\s*["']?Playbook["']?\s*(?:#.*)?$""", re.MULTILINE)
_FLOW = re.compile(r"""["']?apiVersion["']?\s*:\s*["']?noetl\.io/|["']?kind["']?\s*:\s*["']?Playbook\b""")
_OURS = "noetl.io/"


def is_playbook(text: str) -> bool:
    """Whether a text means to be a playbook, by its `apiVersion` or, without one, its `kind`; it may be broken."""
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return _FLOW.search(text) is not None and _is_playbook_object(text)
    version = _VERSION.search(text)
    return _KIND.search(text) is not None if version is None else version["version"].startswith(_OURS)


def _is_playbook_object(text: str) -> bool:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return True
    version = document.get("apiVersion")
    return document.get("kind") == "Playbook" if version is None else str(version).startswith(_OURS)


def names_many(name: str) -> bool:
    """Whether a name is a folder or a pattern."""
    return os.path.isdir(name) or (has_magic(name) and not os.path.lexists(name))


class Search:
    """One search for playbooks: what several names stand for is found once."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    def find(self, name: str) -> Iterator[Source | Problem]:
        """The playbooks in the order of their paths, and what is wrong with the name or a file.

        A file that is named is a playbook whatever it holds; in folders and among what a pattern matches (`**` is any
        number of folders) only what means to be one is.
        """
        if os.path.isdir(name):
            yield from self._among(name, _below(name), "this folder holds no playbook")
        elif names_many(name):
            yield from self._among(name, _matching(name), "no playbook matches this pattern")
        elif self._is_new(name):
            try:
                yield read_source(Path(name))
            except PlaybookError as error:
                yield from error.problems

    def _is_new(self, name: str) -> bool:
        path = os.path.abspath(name)
        new = path not in self._found
        self._found.add(path)
        return new

    def _among(self, name: str, files: Iterable[str | Problem], otherwise: str) -> Iterator[Source | Problem]:
        empty = True
        for file in files:
            finding = file if isinstance(file, Problem) else _playbook(file)
            if finding is None:
                continue
            empty = False
            if isinstance(file, Problem) or self._is_new(file):
                yield finding
        if empty:
            yield _problem("no-playbook", otherwise, name)


def _playbook(file: str) -> Source | Problem | None:
    """None where the file is something else; what cannot be read might be a playbook."""
    try:
        source = read_source(Path(file))
    except PlaybookError as error:
        problem = error.problems[0]
        return None if problem.code != "unreadable-file" and not is_playbook(problem.span.source.text) else problem
    return source if is_playbook(source.text) else None


def _below(folder: str) -> Iterator[str | Problem]:
    """The files with a playbook's ending in a folder and the folders in it; hidden ones are left out."""
    unreadable: list[OSError] = []
    for path, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _FOREIGN)
        for name in sorted(files):
            file = Path(path, name)
            # A pipe would have us wait for whoever writes into it; a link that leads nowhere is worth a word.
            if name.lower().endswith(ENDINGS) and not name.startswith(".") and (file.is_file() or file.is_symlink()):
                yield str(file)
    for error in unreadable:
        reason = str(error.strerror)
        message = f"the folder cannot be read: {reason[:1].lower()}{reason[1:]}"
        yield _problem("unreadable-file", message, str(error.filename))


def _matching(pattern: str) -> Iterator[str | Problem]:
    """The files that a pattern matches; of a folder that it matches, those below it."""
    for match in sorted(iglob(pattern, recursive=True)):
        if _FOREIGN.intersection(Path(match).parts) - set(Path(pattern).parts):
            continue
        if os.path.isfile(match):
            yield match
        elif "**" not in pattern and os.path.isdir(match):
            yield from _below(match)


def _problem(code: str, message: str, name: str) -> Problem:
    return Problem(code, message, Span(Source(name, ""), 1, 1))
