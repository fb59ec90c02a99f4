"""The page of actions names every action and every key, and none that does not exist."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from pages import first_column, section

from noetl.actions.postgres.options import CopyFrom, CopyTo
from noetl.actions.registry import BUILT_IN, Registry
from noetl.language.inline import INLINE

PAGE = "docs/actions.md"


def _keys(options: type[Any]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(options)}


def _handler(name: str) -> set[str]:
    handler = Registry().get(name)
    assert handler is not None
    return _keys(handler.options)


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        *(pytest.param(name, _handler(name), id=name) for name in BUILT_IN),
        *(pytest.param(name, set(shape.keys), id=name) for name, shape in INLINE.items()),
    ],
)
def test_every_key_of_an_action_is_explained(heading: str, keys: set[str]) -> None:
    text = section(PAGE, heading).partition("\n### ")[0]

    assert sorted(first_column(text)) == sorted(keys)


def test_every_key_of_a_copy_is_explained() -> None:
    assert sorted(first_column(section(PAGE, "copy_from and copy_to"))) == sorted(_keys(CopyFrom) | _keys(CopyTo))
