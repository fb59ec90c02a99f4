"""`paginate`: by links, cursors and numbers, to its end, in order, and the same after the run was rebuilt."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from asking import HEAD, play
from web import Answering, Asked, answer_of, json_of, serving

from noetl import Engine, Report, check
from noetl.machine import Run, evolve

ROWS = list(range(25))


def shop(size: int = 10) -> Answering:
    """Pages of ROWS in all the ways of the world: by `page`, by `cursor`, by a link in the data and one in a header."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        number = int(query.get("page", 1))
        start = int(query.get("cursor", (number - 1) * size))
        end = start + size
        more = end < len(ROWS)
        data = {
            "rows": ROWS[start:end],
            "next": f"/rows?cursor={end}" if more else None,
            "cursor": str(end) if more else "",
            "last": not more,
        }
        link = {"Link": f'</rows?cursor={end}&a=1,2>; rel="next", </rows>; rel="first"'} if more else {}
        writer.write(json_of(data, **link))
        await writer.drain()

    return answer


async def pages(paginate: str, tmp_path: Path, *, answers: Any = None, more: str = "", head: str = "") -> Report:
    async with serving({"/rows": shop(), **(answers or {})}) as web:
        report = await play(
            f"{head}steps: [{{name: A, run: [{{action: http, url: '{web.url('/rows')}', paginate: {paginate}, {more} as: rows}}]}}]\n"
            "outputs: {rows: '{{ rows }}', pages: '{{ steps.A.result.pages }}', code: '{{ steps.A.result.status_code }}'}\n",
            tmp_path,
        )
    return report


WAYS = {
    "a link in the data": "{items: '{{ data.rows }}', next: '{{ data.next }}'}",
    "a link in a header": "{items: '{{ data.rows }}', next: '{{ links.next | default(none) }}'}",
    "a header by itself": "{items: '{{ data.rows }}', next: \"{{ (headers.link | default('')) | regex_search('<([^>]+)>; rel=.next') and links.next }}\"}",
    "a cursor": "{items: '{{ data.rows }}', next: {cursor: '{{ data.cursor }}'}}",
    "a page number, to an empty page": "{items: '{{ data.rows }}', next: {page: '{{ page + 1 }}'}}",
    "a condition": "{items: '{{ data.rows }}', next: {page: '{{ page + 1 }}'}, until: data.last}",
    "a condition in braces": "{items: '{{ data.rows }}', next: {page: '{{ page + 1 }}'}, until: '{{ data.rows | length < 10 }}'}",
    "what there is no value of": "{items: '{{ data.rows }}', next: '{{ data.next }}', until: data.nothing.at.all}",
}


@pytest.mark.parametrize("paginate", [pytest.param(text, id=name) for name, text in WAYS.items()])
async def test_the_data_is_all_items_in_order(paginate: str, tmp_path: Path) -> None:
    report = await pages(paginate, tmp_path)
    assert report.error is None
    assert report.outputs["rows"] == ROWS
    assert report.outputs["pages"] == (4 if "page" in paginate and "until" not in paginate else 3)


async def test_max_pages_ends_it(tmp_path: Path) -> None:
    report = await pages("{items: '{{ data.rows }}', next: '{{ data.next }}', max_pages: 2}", tmp_path)
    assert report.outputs == {"rows": ROWS[:20], "pages": 2, "code": 200}


async def test_max_pages_may_be_a_template_of_the_run(tmp_path: Path) -> None:
    paginate = "{items: '{{ data.rows }}', next: '{{ data.next }}', max_pages: '{{ inputs.most }}'}"
    report = await pages(paginate, tmp_path, head="inputs: {most: {default: 1}}\n")
    assert report.outputs["rows"] == ROWS[:10]


async def test_the_data_itself_may_be_the_items(tmp_path: Path) -> None:
    answers = {"/list": [json_of([1, 2]), json_of([3]), json_of([])]}
    async with serving(answers) as web:
        action = (
            f"{{action: http, url: '{web.url('/list')}', paginate: {{next: {{page: '{{{{ page + 1 }}}}'}}}}, as: x}}"
        )
        report = await play(f"steps: [{{name: A, run: [{action}]}}]\n", tmp_path)
    assert report.outputs["x"] == [1, 2, 3]
    assert [asked.query for asked in web.asked] == ["", "page=2", "page=3"]


async def test_changed_params_stand_beside_the_others(tmp_path: Path) -> None:
    async with serving({"/rows": shop()}) as web:
        action = (
            f"{{action: http, url: '{web.url('/rows')}?a=1', params: {{limit: 10, page: 1}}, "
            "paginate: {items: '{{ data.rows }}', next: {page: '{{ page + 1 }}'}, max_pages: 2}}"
        )
        await play(f"steps: [{{name: A, run: [{action}]}}]\n", tmp_path)
    assert [asked.query for asked in web.asked] == ["a=1&limit=10&page=1", "a=1&limit=10&page=2"]


async def test_the_templates_read_the_run_too(tmp_path: Path) -> None:
    report = await play_rows(
        "inputs: {key: {default: rows}, step: {default: 1}}\nsecrets: {s: env:SECRET_OF_PAGES}\n",
        "{items: '{{ data[key] }}', next: {page: '{{ page + inputs.step }}', token: '{{ secrets.s }}'}}",
        tmp_path,
    )
    assert report.outputs == {"rows": ROWS}


async def play_rows(head: str, paginate: str, folder: Path) -> Report:
    """With the log folded again and the run rebuilt after each event: what a page needs stands in the events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_PAGES", "hunter2-and-more")
        async with serving({"/rows": shop()}) as web, Engine(working_folder=folder, rebuilds=True) as engine:
            text = (
                HEAD
                + head
                + f"steps: [{{name: A, run: [{{action: http, url: '{web.url('/rows')}', paginate: {paginate}, as: rows}}]}}]\n"
                "outputs: {rows: '{{ rows }}'}\n"
            )
            playbook = engine.load(text)
            report = await engine.run(playbook)
            again = Run(playbook, report.execution_id)
            events = await engine.store.read(report.execution_id)
            for event in events:
                evolve(again, event)
        assert again.outputs == report.outputs
        assert "hunter2" not in repr(events)
        assert any("token=hunter2-and-more" in asked.query for asked in web.asked)
        return report


WRONG = {
    "items that are not there": ("{items: '{{ data.none }}', next: null}", "undefined", "page 1: 'items': "),
    "items that are no list": ("{items: '{{ data }}', next: null}", "bad_page", "page 1: 'items' must be a list, got a mapping with the keys rows, next"),
    "no items": ("{next: '{{ data.next }}'}", "bad_page", "'items' must say where in the data the list is, got a mapping"),
    "a next that is not there": ("{items: '{{ data.rows }}', next: '{{ data.nxt }}'}", "undefined", "`| default(none)` makes it the last page"),
    "a next of another kind": ("{items: '{{ data.rows }}', next: '{{ page }}'}", "bad_page", "'next' must be a URL, a mapping of params or null, got '1'"),
    "a next of another scheme": ("{items: '{{ data.rows }}', next: 'ftp://x/y'}", "bad_page", "must be a URL of 'http' or 'https', got 'ftp'"),
    "params that are none": ("{items: '{{ data.rows }}', next: {a: {b: 1}}}", "bad_page", "'a' in 'next' must be a text, a number or a list"),
    "the same page again": ("{items: '{{ data.rows }}', next: '/rows'}", "endless_pages", "page 1: 'next' gives the same request again"),
    "nonsense": ("{items: '{{ data.rows + 1 }}', next: null}", "expression", "page 1: 'items': "),
}  # fmt: skip


@pytest.mark.parametrize(("paginate", "code", "said"), [pytest.param(*case, id=name) for name, case in WRONG.items()])
async def test_a_page_that_does_not_fit_fails_the_action(paginate: str, code: str, said: str, tmp_path: Path) -> None:
    report = await pages(paginate, tmp_path)
    assert report.error is not None
    assert (report.error["kind"], report.error["code"]) == ("permanent", code)
    assert said in report.error["message"]


async def test_a_page_that_fails_fails_the_action(tmp_path: Path) -> None:
    report = await pages(
        "{items: '{{ data.rows }}', next: '/broken'}", tmp_path, answers={"/broken": answer_of(500, b"no")}
    )
    assert report.error is not None
    assert (report.error["kind"], report.error["details"]["status_code"]) == ("transient", 500)


async def test_all_pages_together_are_within_max_bytes(tmp_path: Path) -> None:
    paginate = "{items: '{{ data.rows }}', next: '{{ data.next }}'}"
    assert (await pages(paginate, tmp_path, more="max_bytes: 1000,")).error is None
    report = await pages(paginate, tmp_path, more="max_bytes: 150,")
    assert report.error is not None
    assert report.error["code"] == "body_too_large"


async def test_credentials_do_not_go_along_to_a_page_on_another_host(tmp_path: Path) -> None:
    async with (
        serving({"/": json_of({"rows": [2], "next": None})}, host="localhost") as other,
        serving({"/": json_of({"rows": [1], "next": other.url()})}) as web,
    ):
        action = (
            f"{{action: http, url: '{web.url()}', auth: {{bearer: t0ken-of-one}}, headers: {{X-Api-Key: k3y}}, "
            "paginate: {items: '{{ data.rows }}', next: '{{ data.next }}'}, as: x}"
        )
        report = await play(f"steps: [{{name: A, run: [{action}]}}]\n", tmp_path)
    assert report.outputs["x"] == [1, 2]
    assert web.last.headers["authorization"] == "Bearer t0ken-of-one"
    assert {"authorization", "x-api-key"} & other.last.headers.keys() == set()


async def test_each_page_that_is_posted_has_a_key_of_its_own(tmp_path: Path) -> None:
    async with serving({"/rows": shop()}) as web:
        action = (
            f"{{action: http, method: POST, url: '{web.url('/rows')}', "
            "paginate: {items: '{{ data.rows }}', next: '{{ data.next }}'}}"
        )
        await play(f"steps: [{{name: A, run: [{action}]}}]\n", tmp_path)
    keys = [asked.headers["idempotency-key"] for asked in web.asked]
    assert keys == [keys[0], f"{keys[0]}-2", f"{keys[0]}-3"]


REFUSED = {
    "no next": ("{items: '{{ data }}'}", "missing-key"),
    "an unknown key": ("{next: null, item: x}", "unknown-key"),
    "a name that cannot exist": ("{next: '{{ dta.next }}'}", "unknown-name"),
    "a name that cannot exist, in a condition": ("{next: null, until: dta.last}", "unknown-name"),
    "a broken condition": ("{next: null, until: 'data.last ='}", "template-syntax"),
    "no pages": ("{next: null, max_pages: 0}", "bad-value"),
    "a template as a whole": ("'{{ inputs.pages }}'", "wrong-type"),
    "a text": ("next", "wrong-type"),
}


@pytest.mark.parametrize(("paginate", "code"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_what_is_wrong_is_found_before_the_run(paginate: str, code: str) -> None:
    text = f"{HEAD}inputs: {{pages: {{}}}}\nsteps: [{{name: A, run: [{{action: http, url: 'http://x/', paginate: {paginate}}}]}}]\n"
    assert [problem.code for problem in check(text) if problem.severity == "error"] == [code]


def test_the_names_of_a_page_are_known_nowhere_else() -> None:
    text = f"{HEAD}steps: [{{name: A, run: [{{action: http, url: 'http://x/{{{{ page }}}}', headers: {{a: '{{{{ links }}}}'}}}}]}}]\n"
    assert [problem.code for problem in check(text)] == ["unknown-name", "unknown-name"]
