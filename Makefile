# `make demo` is the first look, `make check` and `make test` are for changes.
#
# All keep to .venv in this folder: it is made if it is missing and reused if it is there.

PYTHON ?= python3
BIN := .venv/bin
DEMO := artifacts/demo
# A first look; `fmnist-edge export --format all` makes every kind.
DEMO_FORMATS := --format npz --format tflite --format onnx --precision float32 --precision int8

# What is downloaded, and what .venv then holds, on x86-64.
DEMO_SIZE := 720 MB to download, 2.4 GB on disk
TEST_SIZE := 870 MB to download, 2.9 GB on disk
OTHER := name another: make $(MAKECMDGOALS) PYTHON=python3.12

.DEFAULT_GOAL := help
.PHONY: help demo check test reference clean

help:
	@echo "make demo       train, export and benchmark on this machine"
	@echo "make check      check the code, run the unit and the property tests; takes a minute"
	@echo "make test       check the code and run every test; takes minutes"
	@echo "make reference  train, export and publish every preset with three seeds; takes hours, resumes"
	@echo "make clean      remove the environment and caches, keep artifacts"
	@echo "make help       show this list"
	@echo "PYTHON=python3.12 names the Python that .venv is made with; 3.11, 3.12 and 3.13 will do."

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
	@$(BIN)/python -m tests.suite check

test: .venv/.test
	@$(BIN)/python -m tests.suite all

reference: .venv/.demo
	$(BIN)/python benchmarks/reference.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .cache .hypothesis .benchmarks

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here; $(OTHER)"; exit 1; }
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || \
	  { echo "$$($(PYTHON) --version 2>&1) will not do: fmnist-edge needs 3.11 to 3.13, because \
	TensorFlow has no release for 3.14; $(OTHER)"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "Python's venv module is missing: sudo apt install python3-venv"; rm -rf .venv; exit 1; }

.venv/.demo: .venv/bin/python pyproject.toml constraints/device.txt constraints/demo.txt
	@echo "== Packages: at most $(DEMO_SIZE)"
	$(BIN)/pip install --disable-pip-version-check -c constraints/demo.txt -e '.[workstation]'
	@touch $@

.venv/.test: .venv/bin/python pyproject.toml $(wildcard constraints/*.txt)
	@echo "== Packages: at most $(TEST_SIZE)"
	$(BIN)/pip install --disable-pip-version-check -c constraints/test.txt -e '.[workstation,dev]'
	@touch $@
