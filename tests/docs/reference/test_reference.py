"""The reference is that of the code: nothing is missing, nothing stale, and every word has its explanation."""

from __future__ import annotations

import pytest
from reference_pages import FOLDER, MAKERS, page

from noetl.expressions import glossary, vocabulary


@pytest.mark.parametrize("name", MAKERS)
def test_a_page_of_the_reference_is_what_the_code_says(name: str) -> None:
    """When this fails: `just reference`, or `python tests/docs/reference`."""
    assert (FOLDER / name).read_text(encoding="utf-8") == page(name)


def test_there_is_no_other_page() -> None:
    assert {file.name for file in FOLDER.iterdir()} == MAKERS.keys()


@pytest.mark.parametrize(
    ("explained", "words"),
    [
        pytest.param(glossary.FILTERS, vocabulary.FILTERS, id="filters"),
        pytest.param(glossary.TESTS, vocabulary.TESTS, id="tests"),
        pytest.param(glossary.FUNCTIONS, vocabulary.FUNCTIONS, id="functions"),
    ],
)
def test_every_word_of_templates_is_explained(explained: dict[str, glossary.Word], words: frozenset[str]) -> None:
    assert explained.keys() == words
