"""The words that templates may use beyond the names of their scope. Knows not what they do."""

from __future__ import annotations

#: Functions that the machine supplies in the scope, and records.
RECORDED = frozenset({"now", "random", "uuid"})

#: Functions, written with parentheses; without them the word is an ordinary name.
FUNCTIONS = RECORDED | {"dict", "namespace", "range"}

#: Jinja's own filters that stay, some of them bounded.
_JINJA_FILTERS = """
    abs batch capitalize center count d default dictsort e escape filesizeformat first float format groupby indent int
    items join last length list lower map max min reject rejectattr replace reverse round select selectattr slice sort
    string sum title tojson trim truncate unique upper urlencode wordcount wordwrap
"""
_OUR_FILTERS = """
    b64decode b64encode combine datetime duration flatten from_json from_yaml ident json regex_replace regex_search sh
    sha256 yaml
"""
FILTERS = frozenset((_JINJA_FILTERS + _OUR_FILTERS).split())

_JINJA_TESTS = """
    boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer iterable le lessthan lower lt
    mapping ne none number odd sameas sequence string true undefined upper
"""
TESTS = frozenset(_JINJA_TESTS.split())

#: What Jinja has and a playbook has not, with what to write instead.
REMOVED_FILTERS = {
    "attr": "read a key with x['name']",
    "random": "write random(), which is recorded",
    "pprint": "write 'json(indent=2)'",
    "safe": "nothing is escaped here",
    "forceescape": "write 'escape'",
}
