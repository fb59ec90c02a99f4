"""Every link of the documentation that stays inside the checkout leads somewhere."""

from __future__ import annotations

import re

import pytest
from pages import PAGES, ROOT, prose

_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


def _anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    assert [link[0] for link in _LINK.finditer(prose(page)) if not _leads_somewhere(page, link)] == []


def _leads_somewhere(page: str, link: re.Match[str]) -> bool:
    target = (ROOT / page).parent / link["path"] if link["path"] else ROOT / page
    if not target.exists() or not link["anchor"]:
        return target.exists()
    return link["anchor"] in _anchors(str(target.resolve().relative_to(ROOT)))
