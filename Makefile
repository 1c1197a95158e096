# Two commands: `make demo` shows Interlock at work on a real agent, `make test` runs the default test rings.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A test that waits for a daemon leaves its core to another; the tests of a file stay together, in the order of tests/conftest.py.
SIDE_BY_SIDE := -n 3 --dist loadfile --no-loadscope-reorder
# Images for containers often forbid it: then each worker, daemon and command of the tests compiles all of Interlock anew.
unexport PYTHONDONTWRITEBYTECODE
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo pictures test test-slow test-browser test-agents lint types bench score lock docs clean env

help:
	@sed -n 's/^## //p' Makefile

## make demo         a real coding agent does useful work, then tries the incidents of record; nothing is lost
demo: $(READY)
	@$(BIN)/interlock drill

## make test         the default test rings (about 5 minutes on two cores)
test: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@# Beside mypy the tests are collected once: so each worker finds them compiled, and does not compile them all itself.
	@$(BIN)/pytest --collect-only -qq >/dev/null 2>&1 & $(BIN)/mypy && { wait; true; }
	@$(BIN)/pytest $(SIDE_BY_SIDE)

## make test-slow    the slower rings: crash and fault injection, sanitizers, long fuzzing
test-slow: $(READY)
	@$(BIN)/pytest -m slow $(SIDE_BY_SIDE)

## make test-browser the control panel in real Chromium, with axe-core from npm (about 5 minutes)
test-browser: $(READY)
	@$(BIN)/pytest -m browser $(SIDE_BY_SIDE)

## make pictures     pictures of the control panel's screens, in docs/panel
pictures: $(READY)
	@PYTHONPATH=.:tests $(BIN)/python -m tests.panel.browser.pictures docs/panel

## make test-agents  the real agents (Claude Code, Codex) against every fault; needs Node.js and npm
test-agents: $(READY)
	@$(BIN)/pytest -m agents

## make bench        the benchmarks, each against a floor measured in the same run
bench: $(READY)
	@for file in benchmarks/[a-z]*.py; do $(BIN)/python "$$file" || exit 1; done

## make score        what is missed and what is stopped without need, over the labelled corpus (MISSES=1 lists them)
score: $(READY)
	@$(BIN)/python benchmarks/score.py $(if $(MISSES),--misses)

## make docs         regenerate docs/reference and the receipts of the packaged rules' proofs and examples
docs: $(READY)
	@mkdir -p build && $(BIN)/python -m interlock.prover.layers > build/proof.json && mv build/proof.json src/interlock/policy/defaults/proof.json
	@$(BIN)/python -m interlock.policy.tried > build/tried.json && mv build/tried.json src/interlock/policy/defaults/tried.json
	@$(BIN)/python -m interlock.cli.reference docs/reference
	@$(BIN)/python -m interlock.policy.reference > docs/reference/policy.md

## make lock         resolve the dependencies anew, with hashes
lock: $(READY)
	@$(BIN)/python -m pip install --quiet uv
	@for part in run dev; do \
	  extra=$$(test $$part = dev && echo "--extra dev --extra prove --extra analytics --extra api --extra oidc --extra tui --constraint requirements/run.txt"); \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate --upgrade $$extra pyproject.toml --output-file requirements/$$part.txt || exit 1; done

## make clean        remove the environment and everything built
clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

env: $(READY)

$(READY): requirements/dev.txt pyproject.toml hatch_build.py $(wildcard native/*.[ch] native/run/*.[ch]) scripts/make-env
	@PYTHON="$(PYTHON)" scripts/make-env $(VENV)
	@touch $@
