# `make demo` and `make test` set up all that they need; nothing else is assumed than python3 >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test test-places test-films test-faults test-corpus test-compat check format bench clean

help:
	@echo "make demo         a narrated film from a sentence, offline"
	@echo "make test         the tests"
	@echo "make check        format, lint, types, import direction"
	@echo "make test-places  models, services, policy, batches and nested chains"
	@echo "make test-films   media operations, the studio, the recipes' films"
	@echo "make test-faults  kills, broken networks and disks, hostile answers, load"
	@echo "make test-corpus  about a hundred Gradio apps, read and called beside gradio_client"
	@echo "make test-compat  the same calls on Gradio 5 and 4, in environments of their own"
	@echo "make bench        speed, side by side with other tools"
	@echo "make clean        remove what was set up here"

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "spacechain needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "setting up $(VENV), once; this takes a minute"
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --python $(BIN)/python -e '.[dev]'; \
	else \
	  { test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } && \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev]'; \
	fi
	@touch $@

demo: $(READY)
	@$(BIN)/spacechain run short-film --local

test: $(READY)
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup

test-places: $(READY)
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m places $(addprefix tests/,services providers policy batch nested)

test-films: $(READY)
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m films $(addprefix tests/,media studio cli)

test-faults: $(READY)
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m faults $(addprefix tests/,faults hostile storage)

test-corpus: $(READY)
	@$(BIN)/python -m pytest -q -n 2 --dist load -m corpus tests/corpus

test-compat: $(READY)
	@$(BIN)/python tests/compat/environments.py
	@$(BIN)/python -m pytest -q -m compat tests/compat

check: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/structure

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY)
	@$(BIN)/python benchmarks/run.py

clean:
	@rm -rf $(VENV) .venvs build dist .pytest_cache .mypy_cache .ruff_cache
