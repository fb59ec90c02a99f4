"""The user's Python: compiled so that its lines are the playbook's lines, called, its exceptions put into words.

Runs in the engine and in its workers, so it imports next to nothing and knows neither.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any

_AWAITS = 0x80  # inspect.CO_COROUTINE
_ALLOW_TOP_LEVEL_AWAIT = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_LONGEST_MESSAGE = 4_000
_LONGEST_TRACEBACK = 40_000


class NotFoundError(Exception):
    """What the action names does not exist; `code` is the error's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Program:
    """One `code`, `file` or `function`, ready to be run once.

    `request` has `kind` and `text` (the code, the file's path, or `module:name`), `args`, and the `name` and `line`
    that tracebacks give the first line of the code. `namespace` holds the names that the code finds. Raises what
    compiling or importing raises.
    """

    def __init__(self, request: Mapping[str, Any], namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._call: Callable[[], Any]
        if request["kind"] == "function":
            function = _find_function(request["text"])
            self.is_async = _is_coroutine_function(function)
            self._call = partial(function, **request["args"])
            return
        if request["kind"] == "file":
            namespace["__file__"] = request["text"]
            code = _compile(_read(request["text"]), request["text"], 1)
        else:
            code = _compile(request["text"], request["name"], request["line"])
        namespace.update(request["args"])
        self.is_async = bool(code.co_flags & _AWAITS)
        self._call = partial(eval, code, namespace)

    def start(self) -> Any:
        """The value that the user's code returns; an awaitable where it is asynchronous."""
        return self._call()

    def value(self, returned: Any) -> Any:
        """What the action gives: what was returned, else the `result` that the code assigned."""
        return self._namespace.get("result") if returned is None else returned


def search_path(request: Mapping[str, Any]) -> list[str]:
    """Where the program's own modules lie: beside the file, and beside the playbook."""
    folders = [request["folder"]]
    if request["kind"] == "file":
        folders.insert(0, request["text"].rpartition("/")[0])
    return folders


def is_good_exit(error: BaseException) -> bool:
    """Whether it is `sys.exit()` or `sys.exit(0)`."""
    return isinstance(error, SystemExit) and error.code in (None, 0)


def describe(error: BaseException, request: Mapping[str, Any]) -> dict[str, Any]:
    """The exception as the `kind`, `code`, `message` and `details` (and `fields`) of a failed action."""
    if isinstance(error, SystemExit):
        return _describe_exit(error)
    if isinstance(error, NotFoundError):
        return {"kind": "permanent", "code": error.code, "message": str(error), "details": {}}
    transient = getattr(error, "transient", False) is True
    name = type(error).__name__
    frames = _without_our_frames(error.__traceback__)
    return {
        "kind": "transient" if transient else "permanent",
        "code": name,
        "message": f"{name}: {_text(error)}".removesuffix(": "),
        "details": {
            "exception": f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
            "traceback": _traceback(error, frames, request),
            **_place(error, frames, request),
        },
    }


def describe_bad_result(error: TypeError) -> dict[str, Any]:
    """The failure of a program whose value is not data; the error is that of `to_json`."""
    return {"kind": "permanent", "code": "bad_result", "message": f"the result is not data: {error}", "details": {}}


def _describe_exit(error: SystemExit) -> dict[str, Any]:
    number = error.code if isinstance(error.code, int) else 1
    message = f"the code called sys.exit({number})" if number is error.code else f"sys.exit: {_clean(str(error.code))}"
    exit_code = {"exit_code": number}
    return {"kind": "permanent", "code": "exit_code", "message": message, "details": exit_code, "fields": exit_code}


def _compile(source: str | bytes, name: str, line: int) -> Any:
    if isinstance(source, str):
        source = "\n" * (line - 1) + source
        may_return = "return" in source
    else:
        may_return = b"return" in source
    if may_return:
        from noetl.actions.returning import compile_with_return

        code = compile_with_return(source, name)
        if code is not None:
            return code
    return compile(source, name, "exec", flags=_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise NotFoundError("file_not_found", f"file '{path}' cannot be read: {error.strerror}") from None


def _find_function(reference: str) -> Callable[..., Any]:
    module_name, _, path = reference.partition(":")
    try:
        __import__(module_name)
    except ModuleNotFoundError as error:
        # An import inside the module that fails is the module's own failure.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise NotFoundError("function_not_found", f"module '{error.name}' was not found") from None
    found: Any = sys.modules[module_name]
    for name in path.split("."):
        if not hasattr(found, name):
            raise NotFoundError("function_not_found", f"'{reference}' was not found{_hint(name, found)}")
        found = getattr(found, name)
    if not callable(found):
        raise NotFoundError("function_not_found", f"'{reference}' is not a function")
    function: Callable[..., Any] = found
    return function


def _hint(name: str, owner: object) -> str:
    from noetl.spelling import did_you_mean

    hint = did_you_mean(name, (known for known in dir(owner) if not known.startswith("_")))
    return "" if hint is None else f", {hint}"


def _is_coroutine_function(function: Any) -> bool:
    while isinstance(function, partial):
        function = function.func
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return bool(code is not None and code.co_flags & _AWAITS)


def _without_our_frames(frames: TracebackType | None) -> TracebackType | None:
    """The frames from the first that is the user's; those before it are ours and the event loop's."""
    while frames is not None:
        module = frames.tb_frame.f_globals.get("__name__", "")
        if not module.startswith(("noetl.actions.", "asyncio.", "importlib.")):
            break
        frames = frames.tb_next
    return frames


def _traceback(error: BaseException, frames: TracebackType | None, request: Mapping[str, Any]) -> str:
    import linecache
    import traceback

    name = request["name"]
    if request["kind"] == "code":
        # So that the lines are shown although no file holds them in this form.
        lines = ["\n"] * (request["line"] - 1) + [f"{line}\n" for line in request["text"].split("\n")]
        linecache.cache[name] = (len(request["text"]), None, lines, name)
    try:
        text = "".join(traceback.format_exception(type(error), error, frames))
    finally:
        linecache.cache.pop(name, None)
    return _clean(text[-_LONGEST_TRACEBACK:])


def _place(error: BaseException, frames: TracebackType | None, request: Mapping[str, Any]) -> dict[str, Any]:
    """The innermost place in the user's own program, or, when it is not in the frames, the innermost of all."""
    if isinstance(error, SyntaxError) and error.filename:
        return {"file": error.filename, "line": error.lineno}
    own = _own_file(request)
    place: dict[str, Any] = {}
    while frames is not None:
        file = frames.tb_frame.f_code.co_filename
        if not place or file == own or place["file"] != own:
            place = {"file": file, "line": frames.tb_lineno}
        frames = frames.tb_next
    return place


def _own_file(request: Mapping[str, Any]) -> str | None:
    if request["kind"] == "function":
        return getattr(sys.modules.get(request["text"].partition(":")[0]), "__file__", None)
    name: str = request["text"] if request["kind"] == "file" else request["name"]
    return name


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:
        text = f"(its text raised {type(broken).__name__})"
    return _clean(text[:_LONGEST_MESSAGE])


def _clean(text: str) -> str:
    """Lone surrogates come from undecodable file names; nothing could carry them further."""
    return text.encode("utf-8", "backslashreplace").decode()
