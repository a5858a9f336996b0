# The two commands of the README: `make demo` and `make test`.
#
# Both keep to .venv in this folder: it is made if it is missing and reused if it is there.

PYTHON ?= python3
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
DEMO := artifacts/demo
# A first look; `fmnist-edge export --format all` makes every kind.
DEMO_FORMATS := --format npz --format tflite --format onnx --precision float32 --precision int8

.DEFAULT_GOAL := help
.PHONY: help demo check test compiler reference clean

help:
	@echo "make demo   train, export and benchmark on this machine"
	@echo "make check  check the code, run unit and property tests; takes a minute"
	@echo "make test   check the code and run every test"
	@echo "make reference  train, export and publish every preset with three seeds; takes hours, resumes"
	@echo "make clean  remove the environment and caches, keep artifacts"

demo: .venv/.demo
	@echo "== 1/5 Data"
	$(BIN)/fmnist-edge data
	@echo "== 2/5 Train"
	$(BIN)/fmnist-edge train --out $(DEMO)/default.keras --force
	@echo "== 3/5 Export"
	$(BIN)/fmnist-edge export $(DEMO)/default.keras $(DEMO_FORMATS) --force
	@echo "== 4/5 Benchmark"
	$(BIN)/fmnist-edge bench $(DEMO) --json $(DEMO)/result.json
	@echo "== 5/5 Report"
	$(BIN)/fmnist-edge report $(DEMO)/result.json --out $(DEMO)/report.md
	@echo "Models, result.json and report.md are in $(DEMO)."

check: .venv/.test
	$(BIN)/python -m tests.suite check

test: .venv/.test compiler
	$(BIN)/python -m tests.suite all

# The tests compare what Python measures with what C measures.
compiler:
	@command -v cc >/dev/null || { $(SUDO) apt-get update && $(SUDO) apt-get install -y gcc libc6-dev; }

reference: .venv/.demo
	$(BIN)/python benchmarks/reference.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks

.venv/bin/python:
	@$(PYTHON) -m venv .venv || \
	  { echo "Python's venv module is missing: sudo apt install python3-venv"; rm -rf .venv; exit 1; }

.venv/.demo: .venv/bin/python pyproject.toml constraints/demo.txt
	$(BIN)/pip install --disable-pip-version-check -c constraints/demo.txt -e '.[workstation]'
	@touch $@

.venv/.test: .venv/bin/python pyproject.toml constraints/demo.txt constraints/test.txt
	$(BIN)/pip install --disable-pip-version-check -c constraints/test.txt -e '.[workstation,dev]'
	@touch $@
