"""`python`: what the code finds, what becomes of its value, its exceptions and what it prints, in both runtimes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest
from stage import Stage

from noetl.actions.base import Origin, Outcome, Resource
from noetl.actions.python import PythonHandler, PythonOptions
from noetl.actions.workers import WorkerPool
from noetl.errors import ActionError, ErrorKind

BOTH = ("isolated", "in-process")

Python = Callable[..., Outcome]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def pool(runner: asyncio.Runner) -> Iterator[WorkerPool]:
    """One for all tests, so that each also stands for the calls that a worker has served before."""
    pool = runner.run(WorkerPool.open("python"))
    yield pool
    runner.run(pool.close())


@pytest.fixture
def python(stage: Stage, runner: asyncio.Runner, pool: WorkerPool) -> Python:
    async def give(kind: type[Resource], key: str) -> Resource:
        return pool

    def run(code: str | None = None, *, runtime: str = "isolated", **options: Any) -> Outcome:
        if code is not None:
            options["code"] = dedent(code)
        call = {
            "open_resource": give,
            "runtime": runtime,
            "origin": {"code": Origin("shop.yaml", 41)},
            "timeout_s": options.pop("timeout_s", None),
        }
        return runner.run(stage.perform(PythonHandler(), options, **call))

    return run


@pytest.mark.parametrize("runtime", BOTH)
@pytest.mark.parametrize(
    ("code", "args", "data"),
    [
        pytest.param("return 1 + 1", {}, 2, id="return"),
        pytest.param("result = 3", {}, 3, id="result"),
        pytest.param("result = 3\nif False: return 4", {}, 3, id="result-when-no-return-was-reached"),
        pytest.param("result = 3\nreturn 4", {}, 4, id="return-goes-before-result"),
        pytest.param("pass", {}, None, id="nothing"),
        pytest.param("return a + b['c'][0]", {"a": 1, "b": {"c": [2]}}, 3, id="args-are-names"),
        pytest.param("a = a + 1\nreturn a", {"a": 1}, 2, id="args-may-be-assigned"),
        pytest.param("for n in range(9):\n  if n == 4: return n", {}, 4, id="return-in-a-loop"),
        pytest.param("total: int = 4\nreturn total", {}, 4, id="annotated-name"),
        pytest.param("total: int\ntotal = 5\nresult: int = total\nif False: return", {}, 5, id="annotated-result"),
        pytest.param(
            "from __future__ import annotations\nimport math\ndef area(r: Any): return math.floor(r)\nreturn area(9.5)",
            {},
            9,
            id="functions-see-the-imports",
        ),
        pytest.param(
            "count = 0\ndef more():\n  global count\n  count += 1\nmore(); more()\nreturn count", {}, 2, id="global"
        ),
        pytest.param("def fac(n): return n * fac(n - 1) if n else 1\nreturn fac(5)", {}, 120, id="recursion"),
        pytest.param("class A:\n  x = 5\n  def get(self): return A.x\nresult = A().get()", {}, 5, id="class"),
        pytest.param("from math import *\nresult = floor(2.5)", {}, 2, id="import-star"),
        pytest.param("return [n * k for n in range(3)]", {"k": 2}, [0, 2, 4], id="comprehension"),
        pytest.param("import asyncio\nawait asyncio.sleep(0)\nreturn 6", {}, 6, id="await-and-return"),
        pytest.param("import asyncio\nresult = await asyncio.sleep(0, 7)", {}, 7, id="await-and-result"),
        pytest.param(
            "async def each():\n  yield 1\n  yield 2\nreturn [n async for n in each()]", {}, [1, 2], id="async-for"
        ),
        pytest.param("async def later(): return 8\nreturn later()", {}, 8, id="a-returned-coroutine-is-awaited"),
        pytest.param("import sys\nresult = 9\nsys.exit()", {}, 9, id="sys-exit-without-a-code-is-an-end"),
        pytest.param("import sys\nsys.exit(0)", {}, None, id="sys-exit-0-is-an-end"),
        pytest.param(
            "from decimal import Decimal\nfrom datetime import date\n"
            "return [Decimal('1.10'), date(2026, 1, 2), 2**70, b'a', {1, 2}, (3,), 'ü']",
            {},
            ["1.10", "2026-01-02", str(2**70), "YQ==", [1, 2], [3], "ü"],
            id="values-cross-as-json",
        ),
        pytest.param("return float('inf')", {}, "Infinity", id="infinity"),
        pytest.param("return {1: {None: 'a'}}", {}, {"1": {"null": "a"}}, id="keys-become-text"),
        pytest.param("return __name__", {}, "__main__", id="it-is-the-main-module"),
    ],
)
def test_the_data_is_the_value_of_the_code(python: Python, runtime: str, code: str, args: Any, data: Any) -> None:
    assert python(code, args=args, runtime=runtime).data == data


@pytest.mark.parametrize("runtime", BOTH)
@pytest.mark.parametrize(
    ("code", "name", "line", "message"),
    [
        pytest.param("x = 1\n1 / 0", "ZeroDivisionError", 42, "ZeroDivisionError: division by zero", id="exception"),
        pytest.param("x = 1\nif 1 / 0: return", "ZeroDivisionError", 42, "division by zero", id="beside-a-return"),
        pytest.param("import asyncio\nawait asyncio.sleep(0)\n{}['k']", "KeyError", 43, "KeyError: 'k'", id="async"),
        pytest.param("def f():\n  raise ValueError\nf()", "ValueError", 42, "ValueError", id="innermost-own-line"),
        pytest.param("import json\n\njson.loads('{')", "JSONDecodeError", 43, "Expecting property", id="in-a-library"),
        pytest.param("x = 1\ny = (", "SyntaxError", 42, "'(' was never closed", id="syntax"),
        pytest.param("return 1\nbreak", "SyntaxError", 42, "'break' outside loop", id="syntax-beside-a-return"),
        pytest.param("class Odd(Exception): pass\nraise Odd('x')", "Odd", 42, "Odd: x", id="own-exception"),
        pytest.param("raise BaseException('x')", "BaseException", 41, "BaseException: x", id="base-exception"),
    ],
)
def test_an_exception_is_permanent_and_points_at_the_playbook(
    python: Python, runtime: str, code: str, name: str, line: int, message: str
) -> None:
    with pytest.raises(ActionError) as caught:
        python(code, runtime=runtime)
    error = caught.value
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, name)
    assert message in error.message
    assert (error.details["file"], error.details["line"]) == ("shop.yaml", line)
    assert f'File "shop.yaml", line {line}' in error.details["traceback"]


@pytest.mark.parametrize("runtime", BOTH)
def test_a_traceback_shows_the_users_lines_and_none_of_ours(python: Python, runtime: str) -> None:
    with pytest.raises(ActionError) as caught:
        python("def half(n):\n    return n / 0  # oh\n\nreturn half(4)", runtime=runtime)
    lines = caught.value.details["traceback"].splitlines()
    # How Python underlines the culprit differs from version to version.
    assert [line for line in lines if line.strip("~^ ")] == [
        "Traceback (most recent call last):",
        '  File "shop.yaml", line 44, in <module>',
        "    return half(4)",
        '  File "shop.yaml", line 42, in half',
        "    return n / 0  # oh",
        "ZeroDivisionError: division by zero",
    ]
    assert "           ^^^^^^^" in lines or "           ~~~~^^^" in lines


@pytest.mark.parametrize("runtime", BOTH)
def test_an_exception_may_ask_to_be_tried_again(python: Python, runtime: str) -> None:
    code = """
        class Busy(Exception):
            transient = True
        raise Busy("later")
        """
    with pytest.raises(ActionError, match="Busy: later") as caught:
        python(code, runtime=runtime)
    assert caught.value.kind is ErrorKind.TRANSIENT


@pytest.mark.parametrize("runtime", BOTH)
@pytest.mark.parametrize(
    ("code", "exit_code", "message"),
    [
        pytest.param("import sys\nsys.exit(3)", 3, "the code called sys.exit(3)", id="number"),
        pytest.param("raise SystemExit('no data')", 1, "sys.exit: no data", id="text"),
    ],
)
def test_sys_exit_fails_the_action_as_a_commands_exit_does(
    python: Python, runtime: str, code: str, exit_code: int, message: str
) -> None:
    with pytest.raises(ActionError) as caught:
        python(code, runtime=runtime)
    assert (caught.value.kind, caught.value.code) == (ErrorKind.PERMANENT, "exit_code")
    assert caught.value.message == message
    assert caught.value.fields["exit_code"] == exit_code


@pytest.mark.parametrize("runtime", BOTH)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("return object()", "a value of type 'object'", id="object"),
        pytest.param("return {'a': [1, print]}", "'a[1]'", id="its-place"),
        pytest.param("x = []\nx.append(x)\nreturn x", "contains itself", id="cycle"),
    ],
)
def test_a_value_that_is_not_data_is_named(python: Python, runtime: str, code: str, message: str) -> None:
    with pytest.raises(ActionError, match="the result is not data: ") as caught:
        python(code, runtime=runtime)
    assert (caught.value.kind, caught.value.code) == (ErrorKind.PERMANENT, "bad_result")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({}, "exactly one of 'code', 'function' and 'file' is needed, got none", id="nothing"),
        pytest.param({"code": "1", "file": "a.py"}, "is needed, got 'code' and 'file'", id="two"),
        pytest.param({"code": " "}, "'code' is empty", id="empty"),
        pytest.param({"function": "shop.total"}, "'function' must be 'module:name', got 'shop.total'", id="no-colon"),
        pytest.param({"code": "1", "args": {"a-b": 1}}, "'a-b' in 'args' cannot be a name in Python", id="not-a-name"),
        pytest.param({"code": "1", "args": {"class": 1}}, "'class' in 'args' cannot be", id="keyword"),
        pytest.param({"code": "1", "args": {"__builtins__": 1}}, "'__builtins__' in 'args' cannot", id="dunder"),
        pytest.param({"code": "1", "args": [1]}, "Expected `object`", id="args-is-a-mapping"),
        pytest.param({"code": "1", "arguments": {}}, "unknown field `arguments`", id="unknown-key"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(options, PythonOptions)
    assert message in str(caught.value)


def test_every_option_is_described() -> None:
    schema = msgspec.json.schema(PythonOptions)["$defs"]["PythonOptions"]
    assert all(option.get("description") for option in schema["properties"].values())


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A module beside the playbook, which itself imports another."""
    (tmp_path / "prices.py").write_text("VAT = 0.5\n")
    (tmp_path / "shop_module.py").write_text(
        dedent(
            """\
            import asyncio
            from prices import VAT

            class Shop:
                @staticmethod
                def gross(net):
                    return net * (1 + VAT)

            async def slow_gross(net):
                await asyncio.sleep(0)
                return Shop.gross(net)

            def broken():
                return 1 / 0

            CONSTANT = 5
            """
        )
    )
    return tmp_path


@pytest.mark.parametrize("function", ["shop_module:Shop.gross", "shop_module:slow_gross"])
def test_a_function_beside_the_playbook_is_called_with_the_args(python: Python, shop: Path, function: str) -> None:
    assert python(function=function, args={"net": 4}).data == 6.0


def test_a_function_runs_in_process_too(python: Python, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "only_here_once.py").write_text("async def twice(n):\n    return 2 * n\n")
    assert python(function="only_here_once:twice", args={"n": 4}, runtime="in-process").data == 8


@pytest.mark.parametrize(
    ("function", "code", "message"),
    [
        pytest.param("no_such_module:f", "function_not_found", "module 'no_such_module' was not found", id="module"),
        pytest.param("json.no:f", "function_not_found", "module 'json.no' was not found", id="submodule"),
        pytest.param(
            "json:dumbs", "function_not_found", "'json:dumbs' was not found, did you mean 'dumps'?", id="name"
        ),
        pytest.param("shop_module:CONSTANT", "function_not_found", "is not a function", id="not-callable"),
        pytest.param("shop_module:broken", "TypeError", "unexpected keyword argument 'net'", id="wrong-args"),
    ],
)
def test_a_function_that_cannot_be_called_is_explained(
    python: Python, shop: Path, function: str, code: str, message: str
) -> None:
    with pytest.raises(ActionError) as caught:
        python(function=function, args={"net": 1})
    assert (caught.value.kind, caught.value.code) == (ErrorKind.PERMANENT, code)
    assert message in caught.value.message


def test_a_failure_in_a_function_points_at_its_file(python: Python, shop: Path) -> None:
    with pytest.raises(ActionError) as caught:
        python(function="shop_module:broken")
    assert caught.value.details["file"] == str(shop / "shop_module.py")
    assert caught.value.details["line"] == 14


def test_a_missing_import_inside_a_module_is_the_modules_own_failure(python: Python, tmp_path: Path) -> None:
    (tmp_path / "importer.py").write_text("import no_such_thing\n")
    with pytest.raises(ActionError, match="No module named 'no_such_thing'") as caught:
        python(function="importer:f")
    assert (caught.value.code, caught.value.details["line"]) == ("ModuleNotFoundError", 1)


def test_a_changed_module_is_read_again(python: Python, tmp_path: Path) -> None:
    for number in (1, 22, 333):
        (tmp_path / "changing.py").write_text(f"def get():\n    return {number}\n")
        assert python(function="changing:get").data == number


def test_two_playbooks_may_each_have_a_module_of_the_same_name(python: Python, stage: Stage, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "twin.py").write_text(f"def get():\n    return '{name}'\n")
        stage.folder = tmp_path / name
        assert python(function="twin:get").data == name


def test_in_process_a_second_module_of_the_same_name_is_refused(
    python: Python, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "twin_in_process.py").write_text("def get():\n    return 1\n")
    stage.folder = tmp_path / "a"
    assert python(function="twin_in_process:get", runtime="in-process").data == 1
    stage.folder = tmp_path / "b"
    with pytest.raises(ActionError, match="the engine has another module 'twin_in_process'") as caught:
        python(function="twin_in_process:get", runtime="in-process")
    assert caught.value.code == "module_conflict"


@pytest.mark.parametrize("runtime", BOTH)
def test_a_file_is_run_as_a_script(python: Python, tmp_path: Path, runtime: str) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "beside_the_script.py").write_text("TEN = 10\n")
    script = tmp_path / "scripts" / "sum.py"
    script.write_text(
        "from beside_the_script import TEN\nif __name__ == '__main__':\n    result = sum(numbers) + TEN, __file__\n"
    )
    assert python(file="scripts/sum.py", args={"numbers": [1, 2]}, runtime=runtime).data == [13, str(script)]


def test_the_encoding_that_a_file_declares_is_obeyed(python: Python, tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes("# coding: latin-1\nreturn 'ü'\n".encode("latin-1"))
    assert python(file="latin.py").data == "ü"


def test_a_failure_in_a_file_points_at_its_line(python: Python, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = 1\n\nreturn x / 0\n")
    with pytest.raises(ActionError) as caught:
        python(file="bad.py")
    assert (caught.value.details["file"], caught.value.details["line"]) == (str(tmp_path / "bad.py"), 3)
    assert "return x / 0" in caught.value.details["traceback"]


def test_a_missing_file_is_named(python: Python, tmp_path: Path) -> None:
    with pytest.raises(ActionError, match=r"file '.*/none.py' cannot be read: No such file or directory") as caught:
        python(file="none.py")
    assert (caught.value.kind, caught.value.code) == (ErrorKind.PERMANENT, "file_not_found")


def test_what_is_printed_is_told_live_and_kept_whoever_prints_it(python: Python, stage: Stage) -> None:
    code = """
        import ctypes, os, subprocess, sys
        print("from print")
        sys.stderr.write("from stderr\\n")
        os.write(1, b"from the descriptor\\n")
        ctypes.CDLL(None).puts(b"from C")
        subprocess.run(["echo", "from a child"])
        print("no line break", end="")
        """
    outcome = python(code)
    assert (
        set(outcome.fields["stdout"].splitlines())
        == {
            "from print",
            "from the descriptor",
            "from C",
            "from a child",
            "no line break",
        }
        or "no line breakfrom C" in outcome.fields["stdout"]
    )
    assert outcome.fields["stderr"] == "from stderr\n"
    assert ("stdout", "from a child") in stage.lines
    assert ("stderr", "from stderr") in stage.lines


@pytest.mark.parametrize("runtime", BOTH)
def test_progress_and_log_are_names_in_the_code(python: Python, stage: Stage, runtime: str) -> None:
    code = """
        progress(0.5)
        progress(1, "done")
        log("hello")
        log({"a": 1}, "warning")
        """
    python(code, runtime=runtime)
    assert stage.progress == [(0.5, ""), (1.0, "done")]
    assert stage.logs == [("info", "hello"), ("warning", "{'a': 1}")]


def test_the_code_finds_the_same_world_whatever_ran_before(python: Python, tmp_path: Path) -> None:
    look = """
        import decimal, logging, os, random, signal, sys
        mask = os.umask(0); os.umask(mask)
        return {
            "folder": os.getcwd(), "home": os.environ.get("HOME"), "new": os.environ.get("NEW"), "umask": mask,
            "path": sys.path, "argv": sys.argv, "names": sorted(globals()),
            "handlers": len(logging.getLogger().handlers),
            "sigterm": str(signal.getsignal(signal.SIGTERM)), "stdin": sys.stdin.read(),
            "main": sys.modules["__main__"].__name__,
        }
        """
    before = python(look).data
    python(
        """
        import logging, os, signal, sys
        os.chdir("/")
        os.environ["NEW"] = "1"
        del os.environ["HOME"]
        os.umask(0)
        sys.path.clear()
        sys.argv.append("x")
        logging.basicConfig(level="DEBUG")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.stdin.close()
        sys.stdout.close()
        sys.stdout = sys.stderr = None
        os.close(0)
        leaked = 5
        """
    )
    assert python(look).data == before
    assert before["folder"] == str(tmp_path)
    assert before["stdin"] == ""


def test_the_idempotency_key_is_in_the_environment(python: Python) -> None:
    assert python("import os\nreturn os.environ['NOETL_IDEMPOTENCY_KEY']").data == "key-1"


def test_files_left_open_are_flushed_when_the_action_ends(python: Python, tmp_path: Path) -> None:
    python(f"def close(): file.close()\nfile = open({str(tmp_path / 'out')!r}, 'w')\nfile.write('all of it')")
    assert (tmp_path / "out").read_text() == "all of it"


def test_a_dataclass_and_a_pool_of_processes_work_in_code(python: Python) -> None:
    code = """
        from __future__ import annotations
        import multiprocessing
        from dataclasses import dataclass

        @dataclass
        class Order:
            amount: int

        def amount(order): return order.amount

        with multiprocessing.get_context("fork").Pool(2) as pool:
            return sum(pool.map(amount, [Order(1), Order(2)]))
        """
    assert python(code).data == 3


def test_args_and_result_are_copies_in_process(python: Python) -> None:
    args = {"rows": [1]}
    outcome = python("rows.append(2)\nkept = rows\nreturn rows", args=args, runtime="in-process")
    assert outcome.data == [1, 2]
    assert args == {"rows": [1]}


def test_a_thread_of_the_engine_runs_what_is_not_asynchronous(python: Python) -> None:
    code = "import threading\nreturn threading.current_thread() is threading.main_thread()"
    assert python(code, runtime="in-process").data is False
    assert python(f"import asyncio\nawait asyncio.sleep(0)\n{code}", runtime="in-process").data is True
    assert python(code, runtime="isolated").data is True


def test_cancelling_reaches_asynchronous_code_in_process(stage: Stage) -> None:
    code = """
        import asyncio
        try:
            log("started")
            await asyncio.sleep(1000)
        finally:
            log("tidied")
        """

    async def scene() -> None:
        started = asyncio.Event()
        running = asyncio.ensure_future(
            stage.perform(
                PythonHandler(),
                {"code": dedent(code)},
                runtime="in-process",
                log=lambda level, message: (stage.logs.append((level, message)), started.set()),
            )
        )
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.sleep(0)

    stage.play(scene())
    assert stage.logs == [("info", "started"), ("info", "tidied")]


def test_a_cancelled_thread_runs_on_but_holds_nobody_up(stage: Stage, tmp_path: Path) -> None:
    code = f"""
        import os
        log("started")
        with open({str(tmp_path / "pipe")!r}) as pipe:
            pipe.read()
        """

    async def scene() -> None:
        os.mkfifo(tmp_path / "pipe")
        started = asyncio.Event()
        call = {"runtime": "in-process", "log": lambda level, message: started.set()}
        running = asyncio.ensure_future(stage.perform(PythonHandler(), {"code": dedent(code)}, **call))
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        (tmp_path / "pipe").write_text("the thread may end now")

    stage.play(scene())


def test_code_that_cancels_itself_fails(python: Python) -> None:
    with pytest.raises(ActionError) as caught:
        python("import asyncio\nawait asyncio.sleep(0)\nraise asyncio.CancelledError", runtime="in-process")
    assert caught.value.code == "CancelledError"
