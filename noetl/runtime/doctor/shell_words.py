"""The programs that the text of a shell command starts, as far as that is certain without running it.

Not a shell: what depends on variables is passed over, and reading ends where only a shell would know how to go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Stands in a text for what is not known; no command can hold it.
UNKNOWN = "\0"

_SUBSTITUTION = r"\$\((?:[^()]|\([^()]*\))*\)"
_TOKEN = re.compile(
    rf"""
      (?P<blank>   (?: [ \t\r] | \\\n )+ )
    | (?P<comment> \#[^\n]* )
    | (?P<heredoc> \d* <<-? (?!<) )
    | (?P<redirect> \d* (?: <<< | &>> | &> | >> | >\| | <> | [<>]& | [<>] ) )
    | (?P<open>    \( )
    | (?P<separator> ;;? | && | \|\|? | & | \) | \n )
    | (?P<word>    (?: [^\s;&|()<>"'\\`$] | \\. | "(?: [^"\\] | \\. )*" | '[^']*'
                     | {_SUBSTITUTION} | \$\{{[^}}]*\}} | `[^`]*` | \$ )+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(r"[A-Za-z0-9_./+~@%:,-]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")

#: Who asks whether a program is there knows what to do without.
_ASKED = re.compile(r"\b(?:command\s+-[vV]|which|type|hash)\s+([^\s;&|<>)]+)")

#: After these a command begins; after those of _ENDS and before a separator none does.
_BEGINS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{", "time", "exec"})
_ENDS = frozenset({"fi", "done", "esac", "}"})
_LISTS = frozenset({"for", "select"})

_BUILTINS = frozenset(
    {".", ":", "[", "[[", "alias", "bg", "break", "builtin", "cd", "command", "continue", "declare", "echo", "eval"}
    | {"exit", "export", "false", "fc", "fg", "getopts", "hash", "help", "jobs", "kill", "let", "local", "popd"}
    | {"printf", "pushd", "pwd", "read", "readonly", "return", "set", "shift", "shopt", "source", "test", "times"}
    | {"trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait"}
)


def programs_in(command: str) -> list[str]:
    """The names of the programs, in order, each once; not those that the command asks for itself."""
    programs: dict[str, None] = {}
    passed_over = {"which", *_ASKED.findall(command)}
    for word, is_function in _commands(command):
        if is_function:
            passed_over.add(word)
        elif word not in _BUILTINS:
            programs[word] = None
    return [name for name in programs if name not in passed_over]


def _commands(text: str) -> Iterator[tuple[str, bool]]:
    """The first word of each simple command, and whether that is the name of a function which is defined there."""
    expected, redirected, command = True, False, ""
    for kind, token in _tokens(text):
        if kind in ("separator", "open"):
            if kind == "open" and command:
                yield command, True
            expected, redirected, command = True, False, ""
        elif kind == "redirect":
            redirected = True
        elif redirected:
            redirected = False
        elif not expected:
            command = ""
        elif token == "case" or token in _LISTS:
            if token == "case":
                return
            expected = False
        elif token == "function":
            return
        elif token in _ENDS:
            expected = False
        elif token not in _BEGINS and not _ASSIGNMENT.match(token):
            expected = False
            command = _unquoted(token)
            if command:
                yield command, False


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, in_heredoc = 0, False
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            return
        position = found.end()
        kind = str(found.lastgroup)
        in_heredoc = in_heredoc or kind == "heredoc"
        if in_heredoc and found[0] == "\n":
            # What follows is data up to a word that only a shell finds for certain.
            return
        if kind not in ("blank", "comment"):
            yield ("redirect" if kind == "heredoc" else kind), found[0]


def _unquoted(word: str) -> str:
    """The word without its quotes; empty where not all of it is literal."""
    bare = word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word
    return bare if _LITERAL.fullmatch(bare) else ""
