# `make quickstart`: from a fresh clone to the first figure. `make test`: the tests. Both are safe to repeat.
#
# PYTHON   3.11 or newer
# TORCH    version of torch. Without an NVIDIA GPU its CPU build is taken, where pip's sources offer it apart from
#          the default build. For another build, install it into .venv first: `make venv`, then .venv/bin/pip.
# MODELS   folder of the demo's models and texts

PYTHON ?= python3
TORCH ?= 2.13.0
MODELS ?= $(abspath $(or $(ACTSTORE_MODELS),models))

BIN := .venv/bin
VENV := .venv/.made
INSTALLED := .venv/.installed
DEVELOP := .venv/.develop
DEMO_MODELS := $(MODELS)/all-MiniLM-L6-v2 $(MODELS)/sre-MiniLM-L6
DEMO_TEXTS := $(MODELS)/texts/python-docs.txt $(MODELS)/texts/ray-docstrings.txt

.PHONY: quickstart domains venv install develop models texts test guards nodes mutants oldest coverage lint types contracts docs check bench clean
.DELETE_ON_ERROR:

quickstart: $(INSTALLED) $(DEMO_MODELS) $(DEMO_TEXTS)
	ACTSTORE_MODELS="$(MODELS)" $(BIN)/actstore run studies/quickstart.toml

domains: $(INSTALLED) $(DEMO_MODELS)
	@test -n "$(ACTSTORE_DATA)" || \
	  { echo "ACTSTORE_DATA is not set; it names the folder with WikiText-2 and the English Web Treebank"; exit 2; }
	ACTSTORE_MODELS="$(MODELS)" $(BIN)/actstore run studies/domains.toml

venv: $(VENV)

install: $(INSTALLED)

develop: $(DEVELOP)

models: $(DEMO_MODELS)

texts: $(DEMO_TEXTS)

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is not Python 3.11 or newer; name one: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv .venv
	touch $@

# torch first, so that the project takes the build that is there
$(INSTALLED): pyproject.toml $(VENV)
	@$(BIN)/python -c 'import torch' 2>/dev/null || command -v nvidia-smi >/dev/null || \
	  $(BIN)/python -m pip install --quiet "torch==$(TORCH)+cpu" 2>/dev/null || \
	  echo "pip's sources have no CPU build of torch of its own; taking the default build"
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install "torch==$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(DEVELOP): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

$(DEMO_MODELS): | $(VENV)
	$(BIN)/python studies/get_models.py $(notdir $@) --into "$(MODELS)"

$(DEMO_TEXTS): | $(INSTALLED)
	$(BIN)/python studies/quickstart_texts.py --into "$(MODELS)/texts"

# how many files of tests run at once, with one compute thread each; those that start a Ray cluster run one after the other
AT_ONCE ?= 2

# tests that need the demo's models skip, and say so, until `make models`
test: $(DEVELOP)
	if [ -d "$(MODELS)" ]; then export ACTSTORE_MODELS="$(MODELS)"; fi; \
	  OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not ray" -n $(AT_ONCE) --dist loadfile; first=$$?; \
	  $(BIN)/python -m pytest -m "ray and not nodes" && exit $$first

# what takes minutes on a cluster of several nodes, beside `test`: every analysis while nodes go and come, a service whose
# node is killed under load
nodes: $(DEVELOP)
	$(BIN)/python -m pytest -m nodes

# takes each guard away, in a copy, and sees that its tests fail; AREA names lists of tests/guards
guards: $(DEVELOP)
	if [ -d "$(MODELS)" ]; then export ACTSTORE_MODELS="$(MODELS)"; fi; $(BIN)/python tests/guards/run.py $(AREA)

# changes one operator, number, condition or statement at a time, in copies; tests have to notice. MODULE: a part of a
# path in tests/mutants/modules.toml. What is known already is not run again, so a run that was stopped goes on
mutants: $(DEVELOP)
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutants/run.py --at-once $(AT_ONCE) $(MODULE)

# the tests without Ray with the oldest versions that pyproject.toml allows, in .venv-oldest; torch is TORCH
oldest: $(DEVELOP)
	$(PYTHON) -m venv --clear .venv-oldest
	$(BIN)/python tests/oldest/bounds.py torch==$(TORCH) > .venv-oldest/constraints.txt
	.venv-oldest/bin/python -m pip install --quiet --constraint .venv-oldest/constraints.txt --editable '.[dev]'
	.venv-oldest/bin/python -m pytest tests/unit tests/contract -m "not ray"

# lines and branches that the tests without Ray reach
coverage: $(DEVELOP)
	if [ -d "$(MODELS)" ]; then export ACTSTORE_MODELS="$(MODELS)"; fi; \
	  $(BIN)/python -m coverage run --branch --source actstore,analyses,jobs -m pytest -m "not ray"
	$(BIN)/python -m coverage report --skip-covered --sort cover

lint: $(DEVELOP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEVELOP)
	$(BIN)/mypy

contracts: $(DEVELOP)
	$(BIN)/lint-imports

# the site, in site/; a page that is not in it, a link to nothing or a docstring that can not be read fails
docs: $(DEVELOP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

check: lint types contracts docs test

# each prints the tables that docs/benchmarks holds; make bench BENCH="storage reading" for some
BENCH ?= extraction storage reading codecs similarity finetune ablation objects
bench: $(DEVELOP) $(DEMO_MODELS)
	@for name in $(BENCH); do echo "== $$name"; 	  ACTSTORE_MODELS="$(MODELS)" $(BIN)/python benchmarks/$$name.py || exit 1; done

# models and stores stay
clean:
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist site *.egg-info
