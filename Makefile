# Three commands do all the set-up on a fresh machine: `make quickstart`, `make test` and `make real`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Tools that share no environment with the package: what CI and releases run, each file of them by its SHA-256.
TOOLS := .tools
TOOLBOX := $(TOOLS)/.installed
INSTALL := -m pip install -qq --disable-pip-version-check
COMPILE := $(TOOLS)/bin/uv pip compile -q --universal --python-version 3.11.5 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"
# Bars and counters are for people; logs of automatic runs stay readable.
export HF_HUB_DISABLE_TELEMETRY := 1
# Threads that wait for each other by spinning take the cores from whoever else is at work.
export OMP_WAIT_POLICY := passive

.PHONY: quickstart test faults fuzz real test-real test-oldest test-newest lint docs bench clean \
	test-api test-ray test-others soak lock locked dist sbom audit

quickstart: $(STAMP)  ## text → instructions → model → answers → F1, in about four minutes
	$(BIN)/iepile quickstart $(ARGS)

test: $(STAMP)  ## all tests that this machine can run
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

fuzz: $(STAMP)  ## N=2000 examples of records, schemas, answers, files to import, reports, cards, templates, requests
	IEPILE_FUZZ=$(or $(N),2000) $(BIN)/python -m pytest --timeout 7200 tests/dataset/test_fuzz.py tests/metric/test_fuzz.py \
		tests/cards/test_fuzz.py tests/trainer/formats/test_fuzz.py tests/trainer/serve/test_serve_fuzz.py $(ARGS)

faults: $(STAMP)  ## disks without room, kills, two processes on one output
	IEPILE_TABLE=1 $(BIN)/python -m pytest tests/faults tests/trainer/training/test_faults.py \
		tests/trainer/prediction/test_kill.py tests/hub/test_faults.py tests/hub/test_kill.py $(ARGS)

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

test-api: $(STAMP) $(TOOLBOX)  ## what the OpenAPI description of the server allows, and what it does not, for three minutes
	$(BIN)/python tests/trainer/serve/api.py $(TOOLS)/bin/schemathesis --max-time 180 $(ARGS)

soak: $(STAMP)  ## the server at full load for ten minutes: clients that vanish, flat memory, no status but the documented
	$(BIN)/python benchmarks/soak.py $(ARGS)

lint: $(STAMP)  ## style, docstrings, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP)  ## the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

bench: $(STAMP)  ## speed beside plain yardsticks, on CORPUS=folder or the sample; other benchmarks are run by name
	$(BIN)/python benchmarks/speed.py $(CORPUS) $(ARGS)

lock: $(TOOLBOX)  ## requirements-dev.txt from constraints.txt and requirements-tools.txt from what is newest, with hashes
	printf 'hatchling\neditables\n' | $(COMPILE) -c constraints.txt --extra dev pyproject.toml - -o requirements-dev.txt
	printf '%s\n' build cyclonedx-bom hatchling pip-audit schemathesis uv | $(COMPILE) --upgrade - -o requirements-tools.txt

locked:  ## the environment from requirements-dev.txt, every file by its SHA-256; torch is that of PyPI, with CUDA
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) --require-hashes -r requirements-dev.txt
	$(BIN)/python $(INSTALL) --no-deps --no-build-isolation -e .
	touch $(STAMP)

dist: $(TOOLBOX)  ## wheel and source, in dist/
	rm -rf dist
	$(TOOLS)/bin/python -m build --no-isolation --outdir dist .

sbom: $(TOOLBOX)  ## what the package needs and was tested with, as CycloneDX, in sbom.cdx.json
	$(COMPILE) -c constraints.txt $(foreach extra,train clean openai constrain serve quant app,--extra $(extra)) pyproject.toml \
		-o $(TOOLS)/needed.txt
	$(TOOLS)/bin/cyclonedx-py requirements $(TOOLS)/needed.txt --pyproject pyproject.toml --output-reproducible -o sbom.cdx.json

audit: $(TOOLBOX)  ## known vulnerabilities of what the tests ran with; asks the package registry
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements-dev.txt

clean:  ## the environments and the runs
	rm -rf $(VENV) $(TOOLS) runs site dist sbom.cdx.json

$(STAMP): pyproject.toml constraints.txt
	@echo "installing iepile and what it needs into $(VENV): a few minutes, about 3 GB"
	@$(PYTHON) -m venv $(VENV)
	@# Twice quiet: errors are shown, warnings (of indexes that other packages come from, say) are not.
	@$(BIN)/python $(INSTALL) -c constraints.txt -e '.[dev]'
	@touch $@

$(TOOLBOX): requirements-tools.txt
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python $(INSTALL) --require-hashes -r $<
	@touch $@
