"""A hook of the site: the checkout's README is its first page, and what pages link to outside of docs/ is in it, too.

Links are written as they work in the checkout; here they become those of the site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[2]
_FIRST, _OVERVIEW = "README.md", "docs/README.md"
_LINK = re.compile(r"(?<=\]\()(?!https?:|#)(?P<path>[^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file that a page links to, and for those that these link to."""
    for file in files.documentation_pages():
        if file.src_uri == posixpath.relpath(_OVERVIEW, "docs"):
            files.remove(file)
    found = {_FIRST}
    todo = [_FIRST, *(f"docs/{file.src_uri}" for file in files.documentation_pages())]
    while todo:
        linked = set(_links(todo.pop())) - found
        found |= linked
        todo += linked
    for path in sorted(found):
        if not path.startswith("docs/"):
            files.append(File.generated(config, _on_site(path), content=_content(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the links as the site needs them."""
    here = page.file.src_uri
    outside = page.file.generated_by is not None
    source = (_FIRST if here == _on_site(_FIRST) else here) if outside else f"docs/{here}"

    def on_site(link: re.Match[str]) -> str:
        return posixpath.relpath(_on_site(_resolved(source, link["path"])), posixpath.dirname(here) or ".")

    return _LINK.sub(on_site, markdown)


def _on_site(path: str) -> str:
    """Where the site has a file of the checkout."""
    if path in (_FIRST, _OVERVIEW):
        return "index.md"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return path if path.endswith(".md") else f"{path}.md"


def _content(path: str) -> str:
    """A page of Markdown as it is, any other file as what it holds."""
    text = (_ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".md"):
        return text
    return f"# {posixpath.basename(path)}\n\n```{posixpath.splitext(path)[1][1:] or 'text'}\n{text}```\n"


def _links(path: str) -> Iterator[str]:
    """The files that a page links to."""
    if path.endswith(".md"):
        for link in _LINK.finditer((_ROOT / path).read_text(encoding="utf-8")):
            target = _resolved(path, link["path"])
            if (_ROOT / target).is_file():
                yield target


def _resolved(source: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
