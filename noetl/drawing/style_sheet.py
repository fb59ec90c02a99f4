"""The style sheet inside a picture. Plain rules, no variables: not everything that shows SVG knows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from noetl.drawing.captions import FONTS, Font
from noetl.drawing.palette import DARK, LIGHT, Palette

_SANS = 'system-ui,-apple-system,"Segoe UI",Helvetica,Arial,"DejaVu Sans",sans-serif'
_MONO = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace'

_SHAPES = (
    ".shape{stroke-width:1.5}",
    ".unreached .shape,.work.unvisited .shape{stroke-dasharray:4 3}",
    ".dot{stroke:none}",
    ".cross{fill:none;stroke-width:1.5}",
    ".line{fill:none;stroke-width:1.4}",
    ".head{stroke:none}",
    ".otherwise .line{stroke-dasharray:5 4}",
    ".dead .line{stroke-dasharray:1 4}",
    ".taken .line{stroke-width:2}",
)


def style_sheet(looks: Iterable[str]) -> str:
    """The element; `looks` are the keys of the colours that are used."""
    looks = list(looks)
    rules = [
        f"text{{font-family:{_SANS}}}",
        *(f".{tone}{{{_css(font)}}}" for tone, font in FONTS.items()),
        *_SHAPES,
        *_colours(LIGHT, looks),
    ]
    dark = "".join(_scoped(rule) for rule in _colours(DARK, looks))
    return "<style>\n" + "\n".join(map(_scoped, rules)) + f"\n@media (prefers-color-scheme:dark){{{dark}}}\n</style>"


def _css(font: Font) -> str:
    family = f";font-family:{_MONO}" if font.monospaced else ""
    return f"font-size:{font.size}px{family}" + (f";{font.css}" if font.css else "")


def _colours(palette: Palette, looks: Iterable[str]) -> Iterator[str]:
    yield f".page{{fill:{palette.page}}}"
    yield f".name{{fill:{palette.title}}}"
    yield f".about,.condition,.edge .action{{fill:{palette.text}}}"
    yield f".line{{stroke:{palette.line}}}"
    yield f".head{{fill:{palette.line}}}"
    yield f".passed,.taken .head{{fill:{palette.taken}}}"
    yield f".taken .line{{stroke:{palette.taken}}}"
    yield f".untaken .line{{stroke:{palette.faint};opacity:.6}}"
    yield f".untaken .head,.untaken .condition{{fill:{palette.faint};opacity:.8}}"
    for look in looks:
        colours = palette.nodes[look]
        yield f".node.{look} .shape{{fill:{colours.fill};stroke:{colours.stroke}}}"
        yield f".node.{look} text{{fill:{colours.text}}}"
        yield f".node.{look} .dot{{fill:{colours.stroke}}}"
        yield f".node.{look} .cross{{stroke:{colours.stroke}}}"


def _scoped(rule: str) -> str:
    """The rule for this picture alone: where it stands in a page, its style sheet is the page's, too."""
    selectors, brace, body = rule.partition("{")
    return ",".join(f".noetl {selector}" for selector in selectors.split(",")) + brace + body
