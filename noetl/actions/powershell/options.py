"""The keys of a `powershell` action."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from noetl.actions.command import Cwd, Env, check_surroundings

_NAME = re.compile(r"[^\W\d]\w*")

#: Variables that PowerShell sets itself wherever a script starts, so that no argument of these names would arrive.
_AUTOMATIC = frozenset(
    {
        *("args", "false", "foreach", "input", "matches", "myinvocation", "null", "psboundparameters", "pscmdlet"),
        *("pscommandpath", "psitem", "psscriptroot", "stacktrace", "switch", "this", "true"),
    }
)
_OUR_OWN = "noetl"


class PowershellOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Run a PowerShell script and take the objects that it puts out.

    `{action: powershell, args: {top: 5}, script: "Get-Process | Select-Object -First $top Name, Id", as: processes}`
    """

    script: Annotated[
        str | None,
        Meta(
            description="Program text, taken as it stands: never a template. What it puts out is the data: one object "
            "is that object, several are a list, none is null, as in `$data = ...`."
        ),
    ] = None
    file: Annotated[
        str | None,
        Meta(description="Instead: a script file (`.ps1`), relative to the playbook's file, that is called."),
    ] = None
    args: Annotated[
        dict[str, Any],
        Meta(
            description="The data for the script, with its types. Where the script has a `param(...)` block, each key "
            "is a parameter, otherwise a variable. Mappings are objects with properties, lists are arrays."
        ),
    ] = {}
    env: Env = {}
    cwd: Cwd = None
    expect: Annotated[
        int | list[int],
        Meta(
            description="The exit code, or the codes, that mean success: that of `exit`, else `$LASTEXITCODE` if it is "
            "not 0, else 1 if `$?` is false."
        ),
    ] = 0

    def __post_init__(self) -> None:
        given = [name for name in ("script", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of 'script' and 'file' is needed, got {' and '.join(given) or 'none'}")
        if not getattr(self, given[0]).strip():
            raise ValueError(f"'{given[0]}' is empty")
        if self.file is not None and not self.file.lower().endswith(".ps1"):
            # PowerShell would open anything else with whatever program is there for it.
            raise ValueError(f"'file' must be a script, whose name ends in '.ps1', got '{self.file}'")
        check_surroundings(self.env, self.cwd)
        _check_names(self.args)

    @property
    def expected(self) -> list[int]:
        return [self.expect] if isinstance(self.expect, int) else self.expect


def _check_names(args: dict[str, Any]) -> None:
    known: dict[str, str] = {}
    for name in args:
        lower = name.lower()
        if not _NAME.fullmatch(name):
            raise ValueError(f"'{name}' in 'args' cannot be a name in PowerShell")
        if lower in _AUTOMATIC or lower.startswith(_OUR_OWN):
            owner = "noetl" if lower.startswith(_OUR_OWN) else "PowerShell"
            raise ValueError(f"'{name}' in 'args' cannot be used, it is a variable of {owner} itself")
        if lower in known:
            raise ValueError(f"'{known[lower]}' and '{name}' in 'args' are one name, PowerShell ignores case")
        known[lower] = name
