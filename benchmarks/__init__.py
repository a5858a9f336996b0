"""pytest-benchmark suites: `pytest benchmarks`, after `make demo`."""
