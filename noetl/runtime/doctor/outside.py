"""What one action needs outside of noetl, by what its handler says that it would touch, and whether it is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from noetl.actions.registry import Registry
from noetl.actions.touch import Touch, Unknown
from noetl.errors import ExpressionError
from noetl.expressions import as_text, compile_expression
from noetl.expressions.pieces import cut
from noetl.model.expression import Expression
from noetl.model.playbook import ActionCall
from noetl.runtime.doctor.finding import Finding, State
from noetl.runtime.doctor.python_modules import is_importable, modules_of_code, modules_of_file
from noetl.runtime.doctor.shell_words import UNKNOWN, programs_in
from noetl.runtime.planning.outlook import Outlook
from noetl.runtime.planning.rendering import render
from noetl.values import to_json

_EMBEDDED = "embedded"


class Called(NamedTuple):
    """The file of a playbook that another one calls, and the names of the secrets that it is given."""

    file: Path
    secrets: frozenset[str]


class Outside:
    """Looks for what actions touch. `folder` is that of the playbook's file; `called` are the playbooks found."""

    def __init__(self, registry: Registry, folder: Path, working_folder: Path) -> None:
        self._registry = registry
        self._folder = folder
        self._working_folder = working_folder
        self.called: list[Called] = []
        self._looks: dict[str, Callable[[Touch], Iterable[Finding]]] = {
            "database": self._database,
            "file": self._file,
            "function": self._function,
            "program": self._program_file,
            "request": self._request,
        }

    def needed_by(self, call: ActionCall, outlook: Outlook) -> Iterator[Finding]:
        """The findings on an action at a place with these names."""
        options = {name: _rendered(template.value, outlook) for name, template in call.options.items()}
        for touch in self._touches(call.action, options):
            look = self._looks.get(touch.kind)
            for finding in look(touch) if look is not None else ():
                yield finding._replace(span=call.span)
        if call.action == "playbook":
            yield from self._playbook(options, call)
        if call.action == "shell":
            for name in _programs(call.options["cmd"].value, options["cmd"], outlook):
                yield self._program(name, options)._replace(span=call.span)
        if call.action == "python" and isinstance(options.get("code"), str):
            for module in modules_of_code(options["code"]):
                yield self._module(module)._replace(span=call.span)

    def _touches(self, action: str, options: Mapping[str, Any]) -> list[Touch]:
        ask: Callable[[Mapping[str, Any], Path], Iterable[Touch]] | None
        ask = getattr(self._registry.get(action), "touches", None)
        try:
            return [] if ask is None else list(ask(options, self._folder))
        except (LookupError, TypeError, ValueError, AttributeError):
            # Options of a shape that the handler does not take, which only the run will refuse.
            return []

    def _program(self, name: str, options: Mapping[str, Any]) -> Finding:
        if "/" in name:
            return self._program_at(name, options.get("cwd"))
        path = _search_path(options.get("env"))
        found = shutil.which(name, path=path)
        if found is not None:
            return Finding("program", name, State.FOUND, found)
        return Finding("program", name, State.MISSING, "not found in PATH")

    def _program_at(self, name: str, cwd: Any) -> Finding:
        known = cwd is None or _is_known(cwd)
        path = self._working_folder / (Path(cwd).expanduser() if known and cwd is not None else "") / name
        if os.access(path, os.X_OK) and path.is_file():
            return Finding("program", name, State.FOUND)
        if path.exists():
            return Finding("program", name, State.MISSING, "not executable")
        if os.path.isabs(name):
            return Finding("program", name, State.MISSING, "not there")
        return Finding("program", name, State.DOUBTFUL, "not there yet", "an earlier step has to make it")

    def _file(self, touch: Touch) -> Iterator[Finding]:
        path = touch.details["path"]
        if touch.details["access"] != "read" or not _is_known(path):
            return
        places = [folder / Path(path).expanduser() for folder in (self._folder, self._working_folder)]
        if any(place.is_file() for place in places):
            yield Finding("file", path, State.FOUND)
        else:
            yield Finding("file", path, State.DOUBTFUL, "not there yet", "an earlier step has to make it")

    def _program_file(self, touch: Touch) -> Iterator[Finding]:
        """A file of program text, which lies beside the playbook; what stands in the playbook has none."""
        name = touch.details.get("file")
        if name is None or not _is_known(name):
            return
        path = self._folder / Path(name).expanduser()
        if not path.is_file():
            yield Finding("file", name, State.MISSING, "not there")
            return
        yield Finding("file", name, State.FOUND)
        if path.suffix == ".py":
            yield from (self._module(module, path.parent) for module in modules_of_file(path))

    def _playbook(self, options: Mapping[str, Any], call: ActionCall) -> Iterator[Finding]:
        name = options.get("path", options.get("name"))
        if not _is_known(name):
            return
        endings = ("",) if "path" in options else (".yaml", ".yml", ".json")
        files = [file for ending in endings if (file := self._folder / f"{name}{ending}").is_file()]
        if not files:
            yield Finding("playbook", name, State.MISSING, "not there", span=call.span)
            return
        yield Finding("playbook", name, State.FOUND, span=call.span)
        secrets = options.get("secrets")
        self.called.append(Called(files[0], frozenset(secrets if isinstance(secrets, Mapping) else ())))

    def _function(self, touch: Touch) -> Iterator[Finding]:
        name = touch.details["function"]
        if _is_known(name):
            yield self._module(name.partition(":")[0].partition(".")[0])

    def _module(self, name: str, *folders: Path) -> Finding:
        if is_importable(name, (*folders, self._folder)):
            return Finding("module", name, State.FOUND)
        return Finding("module", name, State.MISSING, "cannot be imported", "install it where noetl is")

    def _database(self, touch: Touch) -> Iterator[Finding]:
        name = touch.details["database"]
        if name == _EMBEDDED:
            from noetl.postgres.installation import is_installed

            if is_installed():
                yield Finding("connection", name, State.FOUND, "Postgres is installed with noetl")
            else:
                yield Finding("connection", name, State.MISSING, "no Postgres installed", "the extra 'embedded'")
        else:
            yield from _untried(name)

    def _request(self, touch: Touch) -> Iterator[Finding]:
        yield from _untried(touch.details["host"])


def _untried(name: Any) -> Iterator[Finding]:
    """A server, which nobody asks; no name has brackets unless they stand for what is not known."""
    if _is_known(name) and name and "<" not in name:
        yield Finding("connection", name, State.ABSENT, "not tried")


def _rendered(value: Any, outlook: Outlook) -> Any:
    try:
        return render(value, outlook)
    except ExpressionError:
        # What lacks is a finding of its own.
        return Unknown.of(("error",))


def _is_known(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and not isinstance(value, Unknown)


def _search_path(env: Any) -> str | None:
    """The PATH that the action gives; None for the engine's."""
    path = env.get("PATH") if isinstance(env, Mapping) else None
    return path if _is_known(path) else None


def _programs(cmd: Any, rendered: Any, outlook: Outlook) -> list[str]:
    """The names of programs in a `cmd` that are known."""
    if isinstance(rendered, list):
        return [rendered[0]] if rendered and _is_known(rendered[0]) else []
    if _is_known(rendered):
        return programs_in(rendered)
    return programs_in(_with_gaps(cmd, outlook)) if isinstance(cmd, Expression) else []


def _with_gaps(cmd: Expression, outlook: Outlook) -> str:
    """The text of a template in which UNKNOWN stands for what is not known."""
    text = ""
    for piece in cut(cmd.source) or ():
        value: Any = piece.text
        if not piece.literal:
            value = _rendered(compile_expression(piece.text, cmd.at), outlook)
        text += UNKNOWN if isinstance(value, Unknown) else as_text(to_json(value))
    return text
