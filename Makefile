# Everything happens in a virtual environment of its own; nothing global is installed.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_READY := $(VENV)/.demo-ready
WORKERS ?= 4

.PHONY: demo test test-lowest test-packages chaos soak check format generate schemas screens docs bench clean

demo: $(DEMO_READY)  ## a real calculation, from an empty folder to the physical result
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh demo-run

test: $(READY)  ## all tests; those that need a server run where there is one
	@sh tests/run.sh $(BIN)/python $(WORKERS)

LOWEST := .venv-lowest
LOWEST_TESTS := tests/unit $(addprefix tests/integration/,submission lifecycle execution schedulers)

test-lowest:  ## a fast part of the tests, with the oldest dependencies that pyproject.toml allows
	test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST) || python3 -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --upgrade pip uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python \
	  --resolution lowest-direct --editable ".[dev]"
	$(LOWEST)/bin/python -m pytest -n auto --maxprocesses 4 $(LOWEST_TESTS)

PYTHONS ?= 3.11 3.12 3.13

test-packages: $(READY)  ## wheel and sdist, tried in clean environments with each extra
	$(BIN)/python -m pip install --quiet build hatchling uv
	$(BIN)/python tests/packaging/try_packages.py $(PYTHONS)

CHAOS ?= 5000
QUESTIONS ?= 20000

chaos: $(READY)  ## CHAOS=5000 random sequences of operations and crashes, then what was tried;
chaos:           ## then QUESTIONS=20000 to the embedded engine and to the test server, compared
	JFR_TESTS_THOROUGH=1 JFR_CHAOS_PART=1 JFR_CHAOS_SEQUENCES=$(CHAOS) JFR_CHAOS_SHARDS=20 \
	  $(BIN)/python -m pytest tests/chaos
	JFR_FUZZ_COMPARISONS=$(QUESTIONS) $(BIN)/python -m pytest -s \
	  tests/contract/storage/test_language_random.py

check: $(READY)  ## the definition of clean: format, lint, types, layers, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --no-warn-unreachable --cache-dir .mypy_cache/darwin
	@sh tests/run.sh $(BIN)/python $(WORKERS)

SOAK ?= 3600

soak: $(READY)  ## SOAK=3600 seconds of two runners, an operator, kills, stops and a full disk
	$(BIN)/python tests/chaos/soak.py $(SOAK)

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(READY)  ## write the JSON Schema files anew from the declarations
	$(BIN)/python -m jfr_cli.render.schemas docs/schemas

generate: schemas  ## completion scripts, manual pages and the helps that tests compare
	$(BIN)/python -m jfr_cli.generate

screens: $(READY)  ## take the pictures of the README from the real command
	$(BIN)/python docs/screens/make.py

docs: $(READY)  ## the documentation as a web site in docs/_build/html; warnings are errors
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

BENCHMARKS := startup lists scale chain throughput bytes_per_job embedded events actions large_flow complete_in_flow submit_10000 four_processes runner_footprint top

bench: $(READY)  ## figures, each against a yardstick of the same run; fails where a limit is missed
	@missed=; for name in $(BENCHMARKS); do \
	  $(BIN)/python benchmarks/$$name.py || missed="$$missed $$name"; \
	done; test -z "$$missed" || { echo "missed or failed:$$missed"; exit 1; }

INSTALL = test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV); \
	$(BIN)/python -m pip install --quiet --upgrade pip && \
	$(BIN)/python -m pip install --quiet --editable
# Our modules are compiled also where Python must not write bytecode.
COMPILE = $(BIN)/python -m compileall -q controller jfr_cli jfr_web

$(DEMO_READY): pyproject.toml  # what a calculation needs, without the tools of developers
	$(INSTALL) ".[demo]"
	$(COMPILE)
	touch $@

$(READY): pyproject.toml
	$(INSTALL) ".[dev]"
	$(COMPILE)
	touch $(DEMO_READY) $@

clean:
	rm -rf $(VENV) $(LOWEST) demo-run build dist docs/_build
