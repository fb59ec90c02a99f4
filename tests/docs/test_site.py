"""The pages build to a site without a warning, whole, and without anything from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PAGES, ROOT

#: What a browser would fetch by itself.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe)[^>]*\ssrc=["']?https?:|<link[^>]*\shref=["']?https?:|url\(["']?https?:"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", "docs/site/mkdocs.yml"]
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_found_by_the_search(site: Path) -> None:
    index = json.loads((site / "search/search_index.json").read_text())
    found = {entry["location"].partition("#")[0].rstrip("/") for entry in index["docs"]}

    pages = {page.removeprefix("docs/").removesuffix(".md") for page in PAGES} - {"README"}
    assert {"", *pages} <= found


def test_a_page_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetching = [file for file in (*site.rglob("*.html"), *site.rglob("*.css")) if _FETCHED.search(file.read_text())]

    assert fetching == []


def test_the_readme_is_the_first_page_and_its_playbooks_are_pages(site: Path) -> None:
    first = (site / "index.html").read_text()

    assert "noetl runs playbooks" in first
    assert 'href="playbooks/quickstart/quickstart.yaml/"' in first
    assert "kind" in (site / "playbooks/quickstart/quickstart.yaml/index.html").read_text()
