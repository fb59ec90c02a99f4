"""Running an ended run again: with which playbook and inputs, and what is taken over of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from noetl.errors import NoetlError
from noetl.language import coerce_inputs
from noetl.model.playbook import Playbook
from noetl.runtime.beginning import begin_run
from noetl.runtime.handle import RunHandle
from noetl.runtime.ids import new_id
from noetl.runtime.memo import memo_of
from noetl.runtime.recorded import playbook_of
from noetl.spelling import did_you_mean
from noetl.store import refusals
from noetl.store.base import RunRecord

if TYPE_CHECKING:
    from noetl.runtime.engine import Engine


async def begin_rerun(
    engine: Engine,
    execution_id: str,
    inputs: Mapping[str, Any],
    *,
    text: Mapping[str, str] | None = None,
    from_step: str | None = None,
    playbook: Playbook | None = None,
    key: str | None = None,
) -> RunHandle:
    """Begin a run that repeats another one; see `Engine.rerun`."""
    store = engine.store
    record = await store.record(execution_id)
    if record is None:
        raise refusals.unknown_run(execution_id)
    refuse_going_on(record)
    if playbook is None:
        playbook = await playbook_of(store, record, engine.shapes)
    (started,) = await store.read(execution_id, limit=1)
    before = started.data.get("rerun") or {"origin": execution_id, "at": started.at}
    rerun = {"of": execution_id, "from": from_step, "origin": before["origin"], "at": before["at"]}
    memo = await memo_of(store, rerun)
    if memo is not None and from_step is not None and from_step not in memo.steps:
        hint = did_you_mean(from_step, memo.steps)
        raise NoetlError(f"run '{execution_id}' has visited no step '{from_step}'" + (f" ({hint})" if hint else ""))
    values = coerce_inputs(playbook, {**_kept(playbook, started.data["inputs"]), **inputs}, text)
    return RunHandle(await begin_run(engine, playbook, values, new_id(), key=key, folder=record.folder, memo=memo))


def refuse_going_on(record: RunRecord) -> None:
    """Raises NoetlError where a run has not ended."""
    if record.ended_at is None:
        run = f"run '{record.execution_id}'"
        raise NoetlError(f"{run} has not ended ({record.status}): it can be resumed, not run again")


def _kept(playbook: Playbook, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the old run that the playbook has; one that nobody gave is null, and is not given again."""
    return {
        name: value
        for name, value in inputs.items()
        if name in playbook.inputs and (value is not None or playbook.inputs[name].default is not None)
    }
