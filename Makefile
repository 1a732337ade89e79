# From a bare machine: Python 3.11 to 3.13 and make. Everything lands in .venv.
PYTHON ?= python3
BIN := .venv/bin
RESULTS ?= results
REPORT ?= report
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command "make lock"

.PHONY: sweep test cluster-test faults fuzz audit lint format lock clean

sweep: .venv/installed ## train the demo sweep on the embedded corpus and write its report
	$(BIN)/python sweeps/grid.py --preset demo --data embedded --results $(RESULTS)
	$(BIN)/python analysis/report.py --results $(RESULTS) --out $(REPORT)

test: .venv/dev ## the whole test suite, in a process for each core and at most four: each has a TensorFlow, 1 GB
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal

cluster-test: .venv/dev ## real clusters in network namespaces: root, Linux, openssh-server, rsync; minutes
	$(BIN)/python -m pytest --timeout 900 --durations 0 -rs tests/real_clusters

faults: .venv/dev ## each fault injected into a real sweep: minutes; the quick half of tests/faults is in `make test`
	$(BIN)/python -m pytest --timeout 900 --durations 0 -rs --override-ini norecursedirs= tests/faults

fuzz: .venv/dev ## files of data and records of a ledger, each broken at random FUZZ times: minutes
	RNNSWEEP_FUZZ=$(or $(FUZZ),1000) $(BIN)/python -m pytest --timeout 3600 tests/faults/test_fuzz.py

audit: .venv/dev ## known vulnerabilities of the locked packages; needs the network
	for lock in requirements.lock requirements-dev.lock; do \
		$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement $$lock || exit 1; done

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# After a change of the dependencies in pyproject.toml; needs uv. The first file holds what tests and lint need, the
# second the same versions of what a user needs, the third what a GPU machine needs beside the second: TensorFlow's own
# choice of CUDA libraries.
lock:
	$(LOCK) --all-extras --output-file requirements-dev.lock pyproject.toml
	$(LOCK) --extra aws --extra gcp --extra onnx --constraint requirements-dev.lock \
		--output-file requirements.lock pyproject.toml
	echo "tensorflow[and-cuda]" | $(LOCK) --constraint requirements.lock --output-file requirements-gpu.lock \
		$$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock | sort -u) -

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.venv/gpu: .venv/installed requirements-gpu.lock # for a Linux machine with an NVIDIA driver
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-gpu.lock
	@touch $@

clean:
	rm -rf .venv *.egg-info
