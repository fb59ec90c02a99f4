"""The sources of secrets, looked at without asking anybody; the secrets themselves serve to mask the plan."""

from __future__ import annotations

from pathlib import Path

from noetl.model.playbook import Playbook, Secret
from noetl.runtime.planning.plan import SecretPlan
from noetl.runtime.secrets import read_secret

#: Whether it is no more than a look at this machine; who asks another source may leave a trace.
_LOCAL = frozenset({"env", "file"})


def look_at_secrets(playbook: Playbook, folder: Path) -> tuple[list[SecretPlan], list[str]]:
    """What there is of the secrets, and those that could be read."""
    plans: list[SecretPlan] = []
    values: list[str] = []
    for secret in playbook.secrets.values():
        source = f"{secret.scheme}:{secret.reference}"
        if not _may_read(secret, folder):
            plans.append(SecretPlan(name=secret.name, source=source, found=None))
            continue
        try:
            values.append(read_secret(secret, folder))
            plans.append(SecretPlan(name=secret.name, source=source, found=True))
        except LookupError as error:
            plans.append(SecretPlan(name=secret.name, source=source, found=False, problem=str(error.args[0])))
    return plans, values


def _may_read(secret: Secret, folder: Path) -> bool:
    if secret.scheme != "file":
        return secret.scheme in _LOCAL
    # To read from a pipe or a device is to take from it.
    path = folder / Path(secret.reference).expanduser()
    return path.is_file() or not path.exists()
