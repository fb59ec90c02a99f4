"""What Jinja2's parser says of a bad template, in our words. Knows nothing of positions."""

from __future__ import annotations

import re

_WORDS = {
    "end of print statement": "'}}'",
    "begin of print statement": "'{{'",
    "end of statement block": "'%}'",
    "begin of statement block": "'{%'",
    "end of template": "the end",
    "template data / text": "plain text",
    "integer": "a number",
    "float": "a number",
    "string": "a text",
    "name": "a name",
}

#: Operators of other languages, and how they are written here.
_FOREIGN = {
    "&": "write 'and'",
    "!": "write 'not', or '!=' to compare",
    "?": "write 'a if condition else b'",
    "=": "'==' compares",
    "$": "names stand without '$'",
}
_UNEXPECTED_CHARACTER = re.compile(r"unexpected char (['\"])(.+)\1 at \d+", re.DOTALL)
_EXPECTED = re.compile(r"expected token '(.+)', got '(.+)'", re.DOTALL)
_UNKNOWN_TAG = re.compile(r"Encountered unknown tag '(.+?)'\.(?: .*following tags: (.+?)\.(?: |$))?", re.DOTALL)
_UNCLOSED = re.compile(r"Unexpected end of template\. .*following tags: (.+?)\.(?: .*is '(.+?)')?", re.DOTALL)
_PLAIN: dict[str, str] = {
    "tag name expected": "the name of a statement is missing after '{%'",
    "Missing end of raw directive": "'{% raw %}' is not closed: '{% endraw %}' is missing",
    "Invalid character in identifier": "a name has a character that names cannot have",
    "expected name or number": "after a dot stands a name or a number",
    "expected subscript expression": "the brackets hold no key",
    "invalid syntax for function call expression": "the arguments are malformed: values come before named values",
    "You cannot chain multiple tests with is": "a test cannot follow a test: join them with 'and'",
}


def sentence(message: str) -> tuple[str, str | None]:
    """Our sentence for a message of Jinja2's, and a hint where one helps."""
    if message in _PLAIN:
        return _PLAIN[message], None
    if found := _UNEXPECTED_CHARACTER.fullmatch(message):
        character = found[2]
        if character in "'\"":
            return f"the text that starts with {character} is not closed", None
        return f"unexpected character '{character}'", _FOREIGN.get(character)
    if found := _EXPECTED.fullmatch(message):
        got = found[2]
        return f"expected {_word(found[1])}, got {_word(got)}", _FOREIGN.get(got)
    if found := _UNKNOWN_TAG.match(message):
        expected = f", expected {_tags(found[2])}" if found[2] else ""
        return f"unknown statement '{{% {found[1]} %}}'{expected}", None
    if found := _UNCLOSED.match(message):
        opened = f"'{{% {found[2]} %}}'" if found[2] else "a statement"
        return f"{opened} is not closed: {_tags(found[1])} is missing", None
    if message.startswith("Expected an expression"):
        return "an expression is missing", None
    if message == "unexpected 'end of template'" or message.startswith("unexpected end of template"):
        return "the expression ends too early", None
    if found := re.fullmatch(r"unexpected '(.+?)'(?:, expected '(.+)')?", message, re.DOTALL):
        expected = f", expected {_word(found[2])}" if found[2] else ""
        return f"unexpected {_word(found[1])}{expected}", _FOREIGN.get(found[1])
    return "the template is malformed", None


def _word(token: str) -> str:
    return _WORDS.get(token, f"'{token}'")


def _tags(names: str) -> str:
    """The statements that would close a block; `elif` and `else` would too, but are not what is missing."""
    found = re.findall(r"'(\w+)'", names)
    closing = [name for name in found if name.startswith("end")] or found
    return " or ".join(f"'{{% {name} %}}'" for name in closing)
