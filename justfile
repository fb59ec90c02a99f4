# `just` lists the recipes. They use the virtual environment that is active: see CONTRIBUTING.md.

[private]
default:
    @just --list

# Formatting, lint, types and the import contract
check:
    ruff check .
    ruff format --check .
    mypy
    lint-imports

# All tests, or those that the arguments choose: `just test tests/docs -k tutorial`
test *arguments:
    pytest {{ arguments }}

# Every simulated crash, where the tests only try a sample: takes its time
crash *arguments:
    pytest tests/crash --all-crashes {{ arguments }}

# kill -9 again and again: `just torture --kills 1000 --store embedded`
torture *arguments:
    python tests/torture/torment.py {{ arguments }}

# All that has to hold before a change is done
ci: check test

# What noetl costs, as ratios to floors measured in the same run
bench *arguments:
    python tests/bench {{ arguments }}

# Make the JSON Schemas of the actions anew from their handlers
schema:
    noetl schema --write

# Make the pages in docs/reference anew from the code
reference:
    python tests/docs/reference

# Build the site of the documentation into build/site; `just docs serve` shows it while you write
docs command="build":
    mkdocs {{ command }} --strict --config-file docs/site/mkdocs.yml
