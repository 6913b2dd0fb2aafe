# Each target sets up what it needs in .venv, from python3 (3.11 or newer) and git.
.PHONY: demo test test-slow chaos coverage check test-agents test-agents-quick bench clean
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

demo: $(READY)  ## the whole job on a small project, without an account
	$(BIN)/agentloop demo

test: $(READY)  ## the tests
	$(BIN)/pytest -q -n auto --dist worksteal

test-slow: $(READY)  ## the tests that take minutes
	$(BIN)/pytest -q -n auto -m "slow and not agents"

chaos: $(READY)  ## kills at every event and at 200 instants, each hostile agent, fifty runs, a thousand attempts; takes an hour
	$(BIN)/pytest -q -n auto -m chaos tests/chaos --deselect tests/chaos/test_load.py
	$(BIN)/pytest -q -s -m chaos tests/chaos/test_load.py

coverage: $(READY)  ## the tests again, to see what none of them runs; half as slow again
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n auto
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --skip-covered | tail -n 40

check: $(READY)  ## lint, types, layers, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

test-agents: $(READY)  ## real agent CLIs against a scripted model on loopback, and the table in docs/agents.md; needs node and npm
	$(BIN)/python -m tests.agents.clis install
	$(BIN)/python -m tests.agents.table clear
	$(BIN)/pytest -q -n 2 --dist worksteal -m agents tests/agents; status=$$?; $(BIN)/python -m tests.agents.table write && exit $$status

test-agents-quick: $(READY)  ## three of them, without what takes a minute a test, and without the table
	$(BIN)/python -m tests.agents.clis install quick
	$(BIN)/pytest -q -n 2 --dist worksteal -m "agents and not slow" tests/agents

bench: $(READY)  ## each measurement as a ratio, side by side
	$(BIN)/python -m tests.benchmarks.bench
	$(BIN)/python tests/benchmarks/linting.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.*

$(READY): pyproject.toml agentloop/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agentloop needs Python 3.11 or newer, found " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
