"""`python tests/docs/reference`: writes the pages in docs/reference anew."""

from __future__ import annotations

from reference_pages import FOLDER, MAKERS, page


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in MAKERS:
        (FOLDER / name).write_text(page(name), encoding="utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
