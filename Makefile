# Two commands on a fresh machine: `make demo` and `make test`. Each makes .venv and installs what it needs.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

# Idle threads sleep instead of spinning: two test processes and their notebook kernels share the cores.
export OMP_WAIT_POLICY := PASSIVE
export GOMP_SPINCOUNT := 0
export OPENBLAS_NUM_THREADS := 1

.PHONY: demo test lint build clean

demo: .venv/lessons
	$(BIN)/nstkit demo --out out/demo.png

test: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nstkit build --check
	$(PYTEST) tests -n 2 --dist loadgroup
	$(PYTEST) lessons --answers solutions

lint: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

build: .venv/lessons
	$(BIN)/nstkit build

clean:
	rm -rf .venv out build dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/lessons: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lessons]'
	touch $@

.venv/dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ .venv/lessons
