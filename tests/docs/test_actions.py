"""The page of actions has a section for every action; their keys are the reference's."""

from __future__ import annotations

import re

import pytest
from pages import prose, section

from noetl.actions.registry import BUILT_IN
from noetl.language.inline import INLINE

PAGE = "docs/actions.md"
ACTIONS = {*BUILT_IN, *INLINE}


def test_every_action_has_a_section() -> None:
    assert sorted(re.findall(r"^## (.+)$", prose(PAGE), re.MULTILINE)) == sorted(ACTIONS)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_the_section_of_an_action_leads_to_its_keys(name: str) -> None:
    assert f"(reference/actions.md#{name})" in section(PAGE, name)
