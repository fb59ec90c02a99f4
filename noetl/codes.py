"""Every code of a problem and of a run's error, with what it means and what helps. Knows not where they arise."""

from __future__ import annotations

from typing import NamedTuple


class ProblemCode(NamedTuple):
    """What is wrong with a playbook, or with what it is given; both without a full stop."""

    meaning: str
    cure: str
    warning: bool = False


class ErrorCode(NamedTuple):
    """What went wrong in a run, and the kinds of error that it may be."""

    kind: str
    meaning: str


PROBLEMS: dict[str, ProblemCode] = {
    "ambiguous-name": ProblemCode("a bare name is a step and a task", "`{step: NAME}` or `{task: NAME}`"),
    "bad-duration": ProblemCode("no duration", "`500ms`, `10s`, `1h30m`, or seconds"),
    "bad-input": ProblemCode("an input does not fit its schema", "`-i NAME=VALUE` with another value"),
    "bad-rate": ProblemCode("no rate", "`10/s`, `100/m`"),
    "bad-secret": ProblemCode("a secret cannot be read, or is too short to be masked", "its source"),
    "bad-usage": ProblemCode("the command line is wrong", "`noetl COMMAND --help`"),
    "bad-value": ProblemCode("the type is right, the value is not one of those allowed", "as the sentence says"),
    "cycle-without-exit": ProblemCode(
        "no case leads out of a cycle, and in none of its steps can it happen that no case holds",
        "a case with `run: []`, or one that moves elsewhere",
    ),
    "dead-case": ProblemCode("a case stands below one that is always true", "move it up", True),
    "duplicate-key": ProblemCode(
        "a key stands twice in one mapping", "remove one; `variables` is another word for `context`"
    ),
    "duplicate-name": ProblemCode("two steps, or two tasks, have one name", "rename one"),
    "empty-step": ProblemCode("a step has neither `run` nor `rule`", "give it work, or remove it"),
    "late-name": ProblemCode(
        "`while` or `until` reads what the `as` beside it sets, which is when the loop has ended",
        "read `result.data`",
        True,
    ),
    "literal-secret": ProblemCode("a value looks like a password or key", "`secrets`", True),
    "merge-conflict-possible": ProblemCode(
        "two branches set one variable", "other names, or `merge` at the join", True
    ),
    "missing-input": ProblemCode("an input is required and not given", "`-i NAME=VALUE`"),
    "missing-join": ProblemCode(
        "two branches of a fork reach a step, which then runs twice",
        "`join: all`, or `join: each` to say that it is meant",
        True,
    ),
    "missing-key": ProblemCode("a key has to be given", "add it"),
    "mixed-run": ProblemCode(
        "a list holds moves and work, or a step's own `run` holds a move",
        "work goes into `run`, moves into the cases of `rule`",
    ),
    "no-playbook": ProblemCode("a folder holds no playbook, or a pattern matches none", "check the path"),
    "no-timeout": ProblemCode(
        "an action may run for ever; only `validate --strict` says so",
        "`timeout` on it, its step or the playbook",
        True,
    ),
    "nothing-to-undo": ProblemCode(
        "a step has `on_error: compensate`, and no work of the playbook a `compensate`",
        "`compensate: TASK` at the work that is to be undone, or `on_error: continue`",
        True,
    ),
    "pasted-into-sql": ProblemCode("data is put into a statement", "`params`; for names the filter `ident`", True),
    "program-syntax": ProblemCode(
        "the text of a program, `code` of `python`, cannot be read", "mend it; the caret is where Python stops"
    ),
    "reserved-name": ProblemCode(
        "a name of yours hides one that is always there, or a task sets a variable that is its argument",
        "choose another",
    ),
    "secret-in-state": ProblemCode(
        "a secret, `env`, or what reads them stands where its value would enter the run's state",
        "read it in options of actions, `with`, `environment`; take `env` into `context`",
    ),
    "task-recursion": ProblemCode("a task calls itself", "loop, or a cycle of steps"),
    "template-syntax": ProblemCode("the expression cannot be read", "as the sentence says"),
    "too-large": ProblemCode(
        "the text, its nesting, or what its aliases repeat is beyond every use",
        "generate data outside of the playbook",
    ),
    "unknown-action": ProblemCode("there is no such action", "see the hint"),
    "unknown-filter": ProblemCode("there is no filter of this name", "see the hint"),
    "unknown-input": ProblemCode("the playbook has no input of this name", "see the hint"),
    "unknown-key": ProblemCode("there is no such key here", "see the hint"),
    "unknown-limit": ProblemCode("no limit of this name is defined", "see the hint"),
    "unknown-name": ProblemCode(
        "an expression reads what cannot exist", "see the hint; a variable is made by `context`, `as`, `set`"
    ),
    "unknown-secret": ProblemCode(
        "a called playbook has no secret of this name", "the `secrets` of the `playbook` action"
    ),
    "unknown-step": ProblemCode("no step of this name is defined", "see the hint"),
    "unknown-task": ProblemCode("no task of this name is defined", "see the hint"),
    "unknown-test": ProblemCode("there is no test of this name", "see the hint"),
    "unquoted-in-shell": ProblemCode(
        "data is put into a command that a shell reads", "the filter `sh`, or `cmd` as a list", True
    ),
    "unreachable-step": ProblemCode("no rule leads to a step", "add a move, or `start`", True),
    "unreadable-file": ProblemCode("the playbook's file cannot be read", "check the path"),
    "unsupported": ProblemCode("a word of the language that this version does not carry out", "do without it"),
    "unused-argument": ProblemCode("a call gives a task what it does not use", "see the hint, or remove it", True),
    "unused-input": ProblemCode("nothing uses an input", "remove it", True),
    "unused-task": ProblemCode("nothing uses a task", "remove it", True),
    "wrong-type": ProblemCode("a text stands where a list is needed, and the like", "as the sentence says"),
    "yaml-syntax": ProblemCode(
        "the text is not YAML, or not UTF-8", "most often: quote a value that starts with `{{`, or indent by spaces"
    ),
}

ERRORS: dict[str, ErrorCode] = {
    "bad_body": ErrorCode(
        "permanent", "the body of an answer is not what it claims to be, JSON or a charset, say; `details.first_bytes`"
    ),
    "bad_certificate": ErrorCode("permanent", "a file of `verify` or `client_cert` cannot be used"),
    "bad_connection": ErrorCode("permanent", "the DSN of a `postgres` action cannot be used"),
    "bad_cwd": ErrorCode("permanent", "the folder `cwd` cannot be entered"),
    "bad_file": ErrorCode("permanent", "a CSV or JSON lines file cannot be read, or does not fit the table"),
    "bad_name": ErrorCode("permanent", "the name of a table is none"),
    "bad_options": ErrorCode("user", "the options of an action are wrong once their templates are rendered"),
    "bad_output": ErrorCode(
        "permanent", "the output is not the JSON that `output: json` asks for, or larger than what is kept of it"
    ),
    "bad_page": ErrorCode(
        "permanent", "what `paginate` says of a page is no list of items, or no next page; `details.page`"
    ),
    "bad_parameter": ErrorCode("permanent", "a parameter does not fit the statement"),
    "bad_proxy": ErrorCode("permanent", "the URL of a proxy cannot be used"),
    "bad_query": ErrorCode("permanent", "a statement that the action does not take"),
    "bad_request": ErrorCode("permanent", "a request cannot be sent as it is"),
    "bad_response": ErrorCode("permanent", "the answer of a server is not HTTP"),
    "bad_result": ErrorCode("permanent", "what Python returned, or PowerShell put out, cannot be turned into data"),
    "bad_url": ErrorCode("permanent", "the URL of a request, or of a redirect, cannot be used"),
    "body_cut": ErrorCode("transient", "the connection ended before the body of an answer was whole"),
    "body_too_large": ErrorCode("permanent", "the body of an answer is larger than `max_bytes`"),
    "cancelled": ErrorCode("user", "the run was cancelled, or something around the work ended"),
    "circuit_open": ErrorCode("transient", "too many actions of a `limit` had failed, and none is started for a while"),
    "connect_timeout": ErrorCode("transient", "a server did not accept a connection within 30 seconds"),
    "connection_failed": ErrorCode("transient", "a connection could not be made, for another reason"),
    "connection_lost": ErrorCode("transient", "a connection ended before a server answered"),
    "connection_refused": ErrorCode("transient", "nobody listens at a host and port"),
    "defect": ErrorCode("permanent", "a handler raised what it should not have: please report it; `details.traceback`"),
    "duplicate_column": ErrorCode("permanent", "two columns of a query have one name"),
    "embedded_failed": ErrorCode("system", "the server of the extra `embedded` did not start"),
    "embedded_missing": ErrorCode("system", "the extra `embedded` is not installed"),
    "endless_pages": ErrorCode(
        "permanent", "`next` gives the same page again, or there are more than 10 000 pages and no `max_pages`"
    ),
    "exit_code": ErrorCode(
        "permanent", "a command, or `sys.exit` in Python, ended with an unexpected code; `details.exit_code`"
    ),
    "expression": ErrorCode("permanent", "a template or condition could not be evaluated"),
    "failed": ErrorCode("permanent", "the action `fail` without a `code` of its own"),
    "file_error": ErrorCode("permanent or system", "a file cannot be read or written"),
    "file_not_found": ErrorCode("permanent", "a file that the action names does not exist"),
    "function_not_found": ErrorCode("permanent", "the `function` of a `python` action does not exist"),
    "invalid_playbook": ErrorCode(
        "user", "the playbook or inputs of a `playbook` action are invalid; `details.problems`"
    ),
    "join_unmet": ErrorCode("permanent", "fewer tokens can come to a join than the number it waits for"),
    "killed": ErrorCode("system", "a command was killed by a signal; `details.signal`"),
    "lost": ErrorCode("permanent", "an action was lost with its engine more than 5 times"),
    "max_iterations": ErrorCode("permanent", "a `while` or `until` loop reached its `max`"),
    "max_visits": ErrorCode("permanent", "a step was to be visited more often than its `max_visits`"),
    "merge_conflict": ErrorCode("permanent", "branches that met had set one variable to different values"),
    "module_conflict": ErrorCode(
        "permanent", "in process: a module of this name from another folder is loaded already; run it `isolated`"
    ),
    "name_not_found": ErrorCode("transient", "a host has no address"),
    "not_executable": ErrorCode("system", "the program of a command may not be run"),
    "not_recovered": ErrorCode("system", "a called run was lost, and its events do not lead to where it could go on"),
    "not_taken": ErrorCode("user", "nobody took a signal before its run ended; the cause of a dead letter"),
    "program_not_found": ErrorCode("system", "the program of a command does not exist"),
    "powershell_failed": ErrorCode("system", "PowerShell is installed but does not start, or not our script in it"),
    "powershell_not_found": ErrorCode(
        "system", "a `powershell` action needs PowerShell: install PowerShell 7 or newer"
    ),
    "proxy_error": ErrorCode("transient", "a proxy refused to lead on"),
    "queue_timeout": ErrorCode("transient", "an action waited for its `limit` longer than `queue_timeout`"),
    "script_error": ErrorCode(
        "permanent",
        "a PowerShell script ended with a terminating error, or cannot be parsed; `details` has `id`, `category`, "
        "`exception`, `file`, `line`, `column`, `source`, `stack`",
    ),
    "spawn_failed": ErrorCode("system", "a command could not be started"),
    "status_code": ErrorCode(
        "transient or permanent",
        "an answer had a status that `expect` does not have: 408, 425, 429 and 5xx are transient; `details` "
        "has `status_code`, `body`, and `retry_after` where the server said it",
    ),
    "store": ErrorCode("system", "the event log could not be written, and the run ended there"),
    "taken_over": ErrorCode("system", "another engine has taken the run over: it goes on there, and the command ended"),
    "timeout": ErrorCode("transient", "an action, task call, step or the run took longer than its `timeout`"),
    "tls": ErrorCode("transient or permanent", "TLS failed; a certificate that is not trusted is permanent"),
    "token_refused": ErrorCode("transient or permanent", "the server of `oauth2` gave no token; `details.status_code`"),
    "too_deep": ErrorCode("user", "playbooks call each other 50 deep: one of them calls itself"),
    "too_many_redirects": ErrorCode("permanent", "more than 20 redirects followed each other"),
    "too_many_rows": ErrorCode("permanent", "a query gave more rows than `max_rows`"),
    "undefined": ErrorCode("permanent", "a template reads a name or key that has no value"),
    "unknown_action": ErrorCode("system", "the handler of an action is not installed any more"),
    "worker_died": ErrorCode("system", "the worker process of a `python` action ended before the code did"),
}
