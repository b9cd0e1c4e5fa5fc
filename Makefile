# The book and its package. `make book` and `make test` need Python 3.11 or newer, git and make, nothing else.

PYTHON ?= python3
# More options for pip, such as another package index, or one of PyTorch's CPU builds:
#   make test PIP_OPTIONS="--extra-index-url <address>"
PIP_OPTIONS ?=
# More options for pytest: make test PYTEST_OPTIONS="-k ising"
PYTEST_OPTIONS ?=
# Options for make binder: make binder BINDER_OPTIONS="--screenshot lab.png"
BINDER_OPTIONS ?=
PORT ?= 8000

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
HTML := _build/html
BUILT := _build/.built
NOTEBOOKS = $(sort $(shell find book -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*'))
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt
BUILD := $(BIN)/jupyter-book build book --config _config.yml --toc "$(CURDIR)/_toc.yml" --path-output . -W --keep-going

# Notebooks and tests run side by side, a core each: linear algebra is to keep to its own, NumPy's and PyTorch's.
pages test notebooks: export OPENBLAS_NUM_THREADS = 1
pages test notebooks: export OMP_NUM_THREADS = 1
# And it is to round alike on every processor of this kind, or what notebooks print would change with the machine.
ifeq ($(shell uname -m),x86_64)
pages test notebooks: export OPENBLAS_CORETYPE = Haswell
endif

.DEFAULT_GOAL := help
.PHONY: help book pages serve test lint notebooks kernels benchmark visit binder picture clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# Everything installed, under the pins of constraints.txt. A virtual environment that an interrupted run left
# half made, or whose Python has gone, is made anew.
$(INSTALLED): pyproject.toml constraints.txt
	@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	        echo "This book needs Python 3.11 or newer; $(PYTHON) is not." \
	             "Name another one: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	    echo "Making $(VENV) and installing into it; the first time this takes some minutes."; \
	    rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@bash .ci/install-torch $(BIN)/python $(PIP_OPTIONS) || \
	    echo "No CPU build of PyTorch is within reach: pip takes another, with CUDA several GB." >&2
	$(PIP_INSTALL) --editable '.[book,test]'
	@mkdir -p $(VENV)/etc/ipython
	@echo 'c.IPKernelApp.log_level = "ERROR"  # no word about encryption for each kernel that starts' \
	    > $(VENV)/etc/ipython/ipython_kernel_config.py
	@touch $@

book: pages ## build the book's pages, every notebook run
	@echo "The book is built. Open $(CURDIR)/$(HTML)/index.html"

# The notebooks that changed run side by side; all of them when the package or anything installed did. Then Sphinx
# builds the chapters that changed, with what it finds run; all of them when the package, the settings or the tools
# did. After a failure nothing of Sphinx's memory is kept, or the next build would be silent about the same warnings.
pages: $(INSTALLED)
	@$(BIN)/python -m tests.run_notebooks $(NOTEBOOKS)
	@stale=--all; \
	if [ -e $(BUILT) ] && [ -z "$$(find smbook book/_static book/_extensions book/_templates _config.yml _toc.yml book/reference/references.bib \
	    $(INSTALLED) -type f -not -path '*__pycache__*' -newer $(BUILT))" ]; then stale=; fi; \
	$(BUILD) $$stale || { rm -rf $(BUILT) _build/.doctrees; exit 1; }
	@touch $(BUILT)

serve: book ## build the book and serve it on this machine
	@echo "Serving http://localhost:$(PORT) until Ctrl-C"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(HTML) $(PORT)

test: $(INSTALLED) lint ## check style and types, build the book, run every test, notebook and page
	@rm -rf $(HTML) $(BUILT)
	@$(MAKE) --no-print-directory pages
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
	    --nbval --nbval-current-env --nbval-sanitize-with tests/nbval.cfg \
	    smbook tests $(NOTEBOOKS) $(PYTEST_OPTIONS)

lint: $(INSTALLED) ## check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/biome ci --error-on-warnings

notebooks: $(INSTALLED) ## run the notebooks that changed and store what they print, without images
	$(BIN)/python -m tests.run_notebooks --store $(NOTEBOOKS)

kernels: $(INSTALLED) ## compile the kernels that run in the pages
	$(BIN)/python -m smbook.widgets.compiler

benchmark: pages ## time smbook beside its peers, and a first visit, and keep what is found for the book
	$(PIP_INSTALL) --editable '.[benchmark]'
	$(BIN)/python -m benchmarks

visit: pages ## measure what a first visit to the book costs a reader, in bytes and seconds
	$(BIN)/python -m benchmarks first_visit

binder: $(INSTALLED) ## try what Binder does: install anew elsewhere, run a chapter in JupyterLab
	$(BIN)/python -m tests.try_binder $(BINDER_OPTIONS)

picture: pages ## record the loop that the README shows, and the pictures that stand for live figures on paper
	$(BIN)/python -m tests.record .github/live.webp
	$(BIN)/python -m tests.record book/_static/figures

clean: ## remove what was built, and the environment
	rm -rf _build dist $(VENV)
