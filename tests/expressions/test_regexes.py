"""Patterns: what is refused, and that no accepted one takes more than its share of time."""

from __future__ import annotations

import re

import pytest
from evaluating import failure, value

from noetl.expressions.regex_cost import ExponentialPattern, estimate


@pytest.mark.parametrize(
    ("pattern", "degree"),
    [
        pytest.param(r"abc", 1, id="no repetition"),
        pytest.param(r"^\w+@\w+$", 1, id="anchored, each end is certain"),
        pytest.param(r"id=(\d+)", 1, id="no repetition runs over another start"),
        pytest.param(r"error: (.*)", 1, id="a repetition at the end cannot fail"),
        pytest.param(r"a=\w+\s*", 1, id="repetitions at the end cannot fail"),
        pytest.param(r"\d{4}-\d{2}-\d{2}", 1, id="counted"),
        pytest.param(r"(\d{1,3}\.){3}\d{1,3}", 1, id="bounded"),
        pytest.param(r"\s+$", 2, id="a scan from each start"),
        pytest.param(r"(\w+)\s+(\d+)", 2, id="separate scans"),
        pytest.param(r"(?:foo|bar)*x", 2, id="a repeated choice that is certain"),
        pytest.param(r"(\d+\.)+", 2, id="a repetition with a separator"),
        pytest.param(r"(\w+\s+)*$", 2, id="words"),
        pytest.param(r'"(?:[^"\\]|\\.)*"', 2, id="a quoted text"),
        pytest.param(r"(?>a+)b++", 2, id="atomic"),
        pytest.param(r"^.*foo.*bar", 2, id="two open ends"),
        pytest.param(r".*foo.*bar", 3, id="two open ends from each start"),
        pytest.param(r"(.*)(.*)(.*)(.*)x", 5, id="many open ends"),
    ],
)
def test_the_degree_of_a_pattern_counts_its_open_ends(pattern: str, degree: int) -> None:
    assert estimate(pattern, 0).degree == degree


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(a*)*",
        r"(a|a)*$",
        r"(a|ab|b)*c",
        r"(foo|foof)*$",
        r"(\w+\s*)*$",
        r"([a-zA-Z]+)*$",
        r"(x+x+)+y",
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        r"(?:a|b?)*$",
        r"(a{1,9})*b",
        r"(?i)(a+|A)*b",
        r"((a+))+(?=b)",
        r"(?=(a+)+b)c",
        r"(?:(?:(?:\w+){3}){3}){3}z",
    ],
)
def test_a_pattern_that_may_take_exponential_time_is_refused(pattern: str) -> None:
    with pytest.raises(ExponentialPattern):
        estimate(pattern, 0)
    error = failure("{{ x | regex_search(p) }}", {"x": "a" * 50, "p": pattern})
    assert "may take exponential time" in error.message
    assert pattern not in error.message


def test_a_text_that_is_too_long_for_a_pattern_is_refused() -> None:
    assert value("{{ x | regex_search('a.*b.*c') }}", {"x": "ab c" * 100}) is not None
    error = failure("{{ x | regex_search('.*a.*b') }}", {"x": "ab" * 1000})
    assert "this pattern backtracks and may read at most 586" in error.message
    assert value("{{ x | regex_search('b=(.*)', 1) }}", {"x": "a" * 100_000 + "b=1"}) == "1"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        (r"\s+$", " " * 8190 + "!"),
        (r"(\w+)\s+(\w+)", "a" * 8190),
        (r"(?:(?:[ab])+)?$", "ab" * 2890 + "!"),
        (r".*a.*b!", "ab" * 280),
    ],
)
def test_an_accepted_pattern_ends_on_the_longest_text(pattern: str, subject: str) -> None:
    assert value("{{ x | regex_search(p) }}", {"x": subject, "p": pattern}) in (None, "")


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (r"'a' | regex_search('(')", "the pattern is malformed: missing ), unterminated subpattern at character 1"),
        (r"'a' | regex_search('a', 1)", "the pattern has no such group"),
        (r"'a' | regex_replace('a', '\1')", "the replacement names a group that the pattern has not, or is malformed"),
        (r"'a' | regex_search(3)", "a pattern is text, not an integer"),
        (r"'a' | regex_search('a' * 2000)", "a pattern of more than 1000 characters is not possible"),
    ],
)
def test_a_malformed_pattern_is_an_error(expression: str, reason: str) -> None:
    assert failure(f"{{{{ {expression} }}}}").message.endswith(f": {reason}")


def test_the_parser_of_patterns_is_the_one_that_re_uses() -> None:
    assert re.compile(r"(?P<a>x+)\b(?:y|z)").groups == 1
    assert estimate(r"(?P<a>x+)\b(?:y|z)(?P=a)(?(a)b|c)(?!d)(?<=e)", re.IGNORECASE).degree >= 2
