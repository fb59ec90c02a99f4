"""Which programs the text of a command starts: those that are certain, and no other."""

from __future__ import annotations

import pytest

from noetl.runtime.doctor.shell_words import UNKNOWN, programs_in


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        pytest.param("wc -l orders.csv", ["wc"], id="one"),
        pytest.param("cat a | jq . && curl -s x > out; sort b &", ["cat", "jq", "curl", "sort"], id="several"),
        pytest.param("sort a\nsort b", ["sort"], id="each once"),
        pytest.param("cd x && echo hi", [], id="builtins"),
        pytest.param("A=1 B='2 3' make all", ["make"], id="assignments"),
        pytest.param("if test -f x; then grep y x; else sed s/a/b/ x; fi", ["grep", "sed"], id="if"),
        pytest.param("for f in a b; do gzip $f; done", ["gzip"], id="for"),
        pytest.param("while read l; do awk 1; done < f", ["awk"], id="while"),
        pytest.param("! diff a b", ["diff"], id="not"),
        pytest.param("exec python3 x", ["python3"], id="exec"),
        pytest.param("(cd x && make) || { id; whoami; }", ["make", "id", "whoami"], id="groups"),
        pytest.param("2>&1 sort < in >> out", ["sort"], id="redirections"),
        pytest.param("f() { tar x; }; f a", ["tar"], id="function"),
        pytest.param("'my tool' a; \"jq\" b", ["jq"], id="quotes"),
        pytest.param("# nl\nnl x # tac", ["nl"], id="comments"),
        pytest.param("echo a#b; ./run.sh; /usr/bin/env x", ["./run.sh", "/usr/bin/env"], id="paths"),
        pytest.param("$TOOL a; ${OTHER} b; ls", ["ls"], id="variables"),
        pytest.param("echo $(date) `id`; x=$(foo bar); tr a b", ["tr"], id="substitutions"),
        pytest.param(f"{UNKNOWN} a | uniq; echo {UNKNOWN} | nl; a{UNKNOWN}b", ["uniq", "nl"], id="what is not known"),
        pytest.param("cat <<EOF > x\nfoo bar\nEOF\nls", ["cat"], id="nothing after a here-document"),
        pytest.param("ls; case x in y) z;; esac", ["ls"], id="nothing after a case"),
        pytest.param("ls; echo 'torn", ["ls"], id="nothing after a torn quote"),
        pytest.param("if command -v jq >/dev/null; then jq .; fi; which yq", [], id="who asks for them"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_the_programs_of_a_command_are_found(command: str, programs: list[str]) -> None:
    assert programs_in(command) == programs
