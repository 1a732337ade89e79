# From a bare machine: Python 3.11 to 3.13 and make. Everything lands in .venv.
PYTHON ?= python3
BIN := .venv/bin
RESULTS ?= results
REPORT ?= report

.PHONY: sweep test lint format lock clean

sweep: .venv/installed ## train the demo sweep on the embedded corpus and write its report
	$(BIN)/python sweeps/grid.py --preset demo --data embedded --results $(RESULTS)
	$(BIN)/python analysis/report.py --results $(RESULTS) --out $(REPORT)

test: .venv/installed ## the whole test suite
	$(BIN)/python -m pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# After a change of the dependencies in pyproject.toml; needs uv.
lock:
	uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf .venv *.egg-info
