"""The keys of `powershell`, and the wrapper as a file: what can be said of both without running anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tree_sitter
import tree_sitter_powershell

from noetl.actions.powershell.handler import WRAPPER
from noetl.actions.powershell.options import PowershellOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({}, "exactly one of 'script' and 'file' is needed, got none", id="neither"),
        pytest.param({"script": "1", "file": "a.ps1"}, "got script and file", id="both"),
        pytest.param({"script": " \n"}, "'script' is empty", id="empty-script"),
        pytest.param({"file": ""}, "'file' is empty", id="empty-file"),
        pytest.param({"file": "a.sh"}, "must be a script, whose name ends in '.ps1', got 'a.sh'", id="other-file"),
        pytest.param({"script": "1", "args": {"a b": 1}}, "'a b' in 'args' cannot be a name in", id="no-name"),
        pytest.param({"script": "1", "args": {"1a": 1}}, "'1a' in 'args' cannot be a name in", id="begins-with-digit"),
        pytest.param({"script": "1", "args": {"Input": 1}}, "is a variable of PowerShell itself", id="automatic"),
        pytest.param({"script": "1", "args": {"noetl": 1}}, "is a variable of noetl itself", id="our-own"),
        pytest.param({"script": "1", "args": {"a": 1, "A": 2}}, "'a' and 'A' in 'args' are one name", id="case"),
        pytest.param({"script": "1", "env": {"A=B": "x"}}, "'A=B' cannot be the name", id="bad-variable-name"),
        pytest.param({"script": "1", "cwd": "a\0b"}, "cannot hold a NUL character", id="nul"),
        pytest.param({"script": "1", "expect": "ok"}, "Expected `int | array`", id="expect-is-a-number"),
        pytest.param({"script": "1", "command": "1"}, "unknown field `command`", id="unknown-key"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=re.escape(message)):
        msgspec.convert(options, PowershellOptions)


def test_every_option_is_described() -> None:
    schema = msgspec.json.schema(PowershellOptions)["$defs"]["PowershellOptions"]
    assert all(option.get("description") for option in schema["properties"].values())


def test_the_wrapper_can_be_parsed() -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    assert not parser.parse(Path(WRAPPER).read_bytes()).root_node.has_error


def test_the_wrapper_is_ascii_which_windows_powershell_needs() -> None:
    assert Path(WRAPPER).read_bytes().isascii()


def test_the_wrapper_leaves_standard_input_to_itself() -> None:
    # PowerShell looks for this variable in a file that it runs, and reads standard input on its behalf if it is there.
    assert "$input" not in Path(WRAPPER).read_text().lower()


def test_the_wrapper_takes_no_name_that_a_script_might_use() -> None:
    text = Path(WRAPPER).read_text()
    functions = re.findall(r"^function (\S+?)[ ({]", text, re.MULTILINE)
    assert functions
    assert all("-Noetl" in name for name in functions)
    globals_of_ours = set(re.findall(r"\$global:(\w+) =", text))
    assert globals_of_ours == {"noetl", "noetl_named", "LASTEXITCODE", "OutputEncoding", "ProgressPreference"}
