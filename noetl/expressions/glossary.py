"""What each word of templates is for, with an example of it: the reference of expressions is made from this.

Nothing that runs needs it; `vocabulary` has the words themselves.
"""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """One sentence without a full stop, and an expression that shows it; none where the answer is never the same."""

    meaning: str
    example: str | None = None


FILTERS: dict[str, Word] = {
    "abs": Word("the absolute value of a number", "-3 | abs"),
    "b64decode": Word("text from base64, of the ordinary or the URL alphabet", "'cGVu' | b64decode"),
    "b64encode": Word("text as base64", "'pen' | b64encode"),
    "batch": Word("lists of so many items each; `fill_with` fills up the last", "[1, 2, 3] | batch(2)"),
    "capitalize": Word("the first letter upper case, all others lower case", "'PEN' | capitalize"),
    "center": Word("text in the middle of a line of some width", "'pen' | center(7)"),
    "combine": Word(
        "mappings as one, later ones win; `recursive=true` also inside of mappings", "{'a': 1} | combine({'b': 2})"
    ),
    "count": Word("how many items, keys or characters; the same as `length`", "[1, 2] | count"),
    "d": Word("short for `default`", "none | d('n/a', true)"),
    "datetime": Word(
        "a point in time as ISO 8601 in UTC, or in a format of strftime (`epoch`: seconds); `parse` is the format of "
        "the text, `add` a duration to move it by, `zone` the offset to show it in",
        "'2025-01-31' | datetime('%d.%m.%Y', add='1d')",
    ),
    "default": Word(
        "another value where there is none yet; with `true` as the second argument also in place of an empty one",
        "'' | default('n/a', true)",
    ),
    "dictsort": Word(
        "the keys and values of a mapping in order, by `key` or by `value`", "{'b': 1, 'a': 2} | dictsort"
    ),
    "duration": Word("a duration as seconds; seconds as a duration", "'1h30m' | duration"),
    "e": Word("short for `escape`", "'<b>' | e"),
    "escape": Word("text for HTML and XML", "'a < b' | escape"),
    "filesizeformat": Word("a number of bytes for people; with `true` in KiB and MiB", "1500000 | filesizeformat"),
    "first": Word("the first item", "[3, 1] | first"),
    "flatten": Word("the items of lists inside of lists as one list, so many `levels` deep", "[1, [2, [3]]] | flatten"),
    "float": Word("a number; `default` where it is none", "'2.50' | float"),
    "format": Word("values put into a text in the places of `%s`, `%d`, `%.2f`", "'%.2f EUR' | format(3.5)"),
    "from_json": Word("the data that a JSON text holds", "'[1, 2]' | from_json"),
    "from_yaml": Word("the data that a YAML text holds", "'{a: 1}' | from_yaml"),
    "groupby": Word(
        "the items in groups by an attribute, each with `grouper` and `list`",
        "[{'c': 'SE'}, {'c': 'IT'}, {'c': 'SE'}] | groupby('c') | map('first')",
    ),
    "ident": Word("a quoted SQL identifier; a list is a qualified name", "['public', 'My orders'] | ident"),
    "indent": Word("text with every line but the first moved to the right", "'a\\nb' | indent(2)"),
    "int": Word("a whole number; `default` where it is none, `base` for other bases than ten", "'42' | int"),
    "items": Word("the keys and values of a mapping as pairs", "{'a': 1} | items"),
    "join": Word("items as one text, with a text between; `attribute` takes a key of each", "['a', 'b'] | join(', ')"),
    "json": Word("data as JSON text; `indent=2` for people", "{'a': [1, none]} | json"),
    "last": Word("the last item", "[3, 1] | last"),
    "length": Word("how many items, keys or characters", "'pen' | length"),
    "list": Word("a list of the items, keys or characters", "'pen' | list"),
    "lower": Word("text in lower case", "'PEN' | lower"),
    "map": Word(
        "a filter done to each item, or a key of each with `attribute`", "[{'n': 1}, {'n': 2}] | map(attribute='n')"
    ),
    "max": Word("the largest item; `attribute` compares a key of each", "[3, 7] | max"),
    "min": Word("the smallest item; `attribute` compares a key of each", "[3, 7] | min"),
    "regex_replace": Word(
        "the text with every match replaced; `\\1` and `\\g<name>` stand for groups",
        "'ink, pen' | regex_replace('(.*), (.*)', '\\\\2, \\\\1')",
    ),
    "regex_search": Word(
        "the first match, or null; with numbers or names of groups, what these matched",
        "'order 1042' | regex_search('[0-9]+')",
    ),
    "reject": Word("the items that fail a test", "[1, 2, 3] | reject('odd')"),
    "rejectattr": Word("the items of which a key fails a test", "[{'n': 1}, {'n': 2}] | rejectattr('n', 'gt', 1)"),
    "replace": Word("the text with one text in place of another", "'pen, ink' | replace(', ', ';')"),
    "reverse": Word("items, or characters, from the end to the beginning", "[1, 2, 3] | reverse"),
    "round": Word("a number rounded to some digits; `method` is `common`, `ceil` or `floor`", "2.675 | round(1)"),
    "select": Word("the items that pass a test", "[1, 2, 3] | select('>', 1)"),
    "selectattr": Word("the items of which a key passes a test", "[{'n': 1}, {'n': 2}] | selectattr('n', 'gt', 1)"),
    "sh": Word("one word of a shell command, quoted; of a list several", "['a b', 'c'] | sh"),
    "sha256": Word("the SHA-256 of a text, in hexadecimal digits", "'pen' | sha256"),
    "slice": Word("so many lists that share the items", "[1, 2, 3, 4, 5] | slice(2)"),
    "sort": Word(
        "the items in order; by a key of each with `attribute`, the largest first with `reverse`", "[3, 1] | sort"
    ),
    "string": Word("a value as a text would show it", "[1, true] | string"),
    "sum": Word("the sum of numbers, or of a key of each item; of lists one list", "[1, 2.5] | sum"),
    "title": Word("each word with an upper case letter first", "'green tea' | title"),
    "tojson": Word("the same as `json`", "[1, 2] | tojson"),
    "trim": Word("text without blanks, or other `chars`, at its ends", "'  pen ' | trim"),
    "truncate": Word(
        "text cut to a length, at a blank, with dots behind it", "'a pen and some ink' | truncate(9, leeway=0)"
    ),
    "unique": Word(
        "each item once, in their order; upper and lower case are alike unless `case_sensitive`", "[2, 1, 2] | unique"
    ),
    "upper": Word("text in upper case", "'pen' | upper"),
    "urlencode": Word("text as a part of a URL; a mapping as a query", "{'q': 'a b', 'n': 1} | urlencode"),
    "wordcount": Word("how many words", "'a pen and ink' | wordcount"),
    "wordwrap": Word("text with lines of at most some width", "'a pen and ink' | wordwrap(6)"),
    "yaml": Word("data as YAML text", "{'a': [1]} | yaml"),
}

TESTS: dict[str, Word] = {
    "boolean": Word("true or false", "true is boolean"),
    "defined": Word("has a value", "1 is defined"),
    "divisibleby": Word("a number that another one divides", "9 is divisibleby(3)"),
    "eq": Word("equal; the same as `==`", "1 is eq(1)"),
    "equalto": Word("equal; the same as `==`", "1 is equalto(1)"),
    "even": Word("an even number", "3 is even"),
    "false": Word("false itself, not merely empty", "0 is false"),
    "float": Word("a number with a point", "1.0 is float"),
    "ge": Word("at least; the same as `>=`", "2 is ge(1)"),
    "greaterthan": Word("more than; the same as `>`", "2 is greaterthan(1)"),
    "gt": Word("more than; the same as `>`", "2 is gt(1)"),
    "in": Word("an item, a key or a part of it", "'e' is in('pen')"),
    "integer": Word("a whole number", "1 is integer"),
    "iterable": Word("something with items: a list, a mapping, a text", "[] is iterable"),
    "le": Word("at most; the same as `<=`", "1 is le(1)"),
    "lessthan": Word("less than; the same as `<`", "1 is lessthan(1)"),
    "lower": Word("text in lower case", "'Pen' is lower"),
    "lt": Word("less than; the same as `<`", "1 is lt(2)"),
    "mapping": Word("a mapping", "{'a': 1} is mapping"),
    "ne": Word("not equal; the same as `!=`", "1 is ne(2)"),
    "none": Word("null; in a condition also what has no value yet", "none is none"),
    "number": Word("a number, whole or not", "'1' is number"),
    "odd": Word("an odd number", "3 is odd"),
    "sameas": Word("the very same thing: of use for true, false and none", "1 is sameas(true)"),
    "sequence": Word("a list, a text or a mapping", "[] is sequence"),
    "string": Word("a text", "'pen' is string"),
    "true": Word("true itself, not merely something", "1 is true"),
    "undefined": Word("has no value yet", "1 is undefined"),
    "upper": Word("text in upper case", "'PEN' is upper"),
}

FUNCTIONS: dict[str, Word] = {
    "dict": Word("a mapping of named values", "dict(a=1)"),
    "namespace": Word("values that a `{% for %}` block may change with `{% set ns.x = ... %}`"),
    "now": Word("the time, as ISO 8601 in UTC; the same again when the run is rebuilt from its events"),
    "random": Word("a number from 0 up to 1; the same again when the run is rebuilt from its events"),
    "range": Word("whole numbers: up to one, from one to another, in steps", "range(2, 10, 3) | list"),
    "uuid": Word("a new UUID; the same again when the run is rebuilt from its events"),
}
