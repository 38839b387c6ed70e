# minigen: build the book, run the tests. `make help` lists the targets; each works on a bare machine that has
# Python 3.11 or newer with venv, and make. PYTHON=python3.12 make book   chooses the interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SITE := _build/html/index.html
.DEFAULT_GOAL := help
.PHONY: help book site pdf links test notebooks reproduce lab clean

help:
	@echo "make book        build the site into _build/html (creates $(VENV) when it is missing or out of date)"
	@echo "make site        the same, stamped: REPOSITORY=https://HOST/OWNER/NAME switches its buttons on"
	@echo "                 ADDRESS=https://MY.DOMAIN/ where its pages stand, if not where GitHub or GitLab puts them"
	@echo "make pdf         print the book into _build/minigen.pdf: a few minutes; needs Chromium"
	@echo "make links       ask all that the book links to in the web whether it is still there"
	@echo "make test        style, types, tests, notebooks and the built site: what must pass before a change lands"
	@echo "                 PARTS='style tests' runs some; 45 minutes on two idle cores at most"
	@echo "make notebooks   run the committed notebooks again, in the book's order, and keep their outputs"
	@echo "                 NOTEBOOKS='book/a.ipynb book/b.ipynb' names some"
	@echo "make reproduce   measure the committed results again and say what differs: many hours; a stopped run goes on"
	@echo "                 RESULTS='lessons cache' names some; none of the committed files changes"
	@echo "make lab         open the notebooks in JupyterLab"
	@echo "make clean       delete what was built; $(VENV) stays"

# The environment, made anew only when the pins or the package's own list change.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo; \
	  echo "$(PYTHON) is `$(PYTHON) --version 2>&1`, and the course needs Python 3.11 or newer."; \
	  echo "Name another one: PYTHON=/path/to/python3.11 make $(MAKECMDGOALS)"; echo; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo; \
	  echo "$(PYTHON) comes without venv, which makes the course's environment."; \
	  echo "On Debian and Ubuntu: apt-get install python3-venv"; echo; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing the packages of requirements.txt into $(VENV): a few minutes, once."
	$(BIN)/python -m pip install -qq -r requirements.txt
	$(BIN)/python -m pip install -qq --no-deps -e .
	@touch $(STAMP)

book: $(STAMP)
	$(BIN)/jupyter-book build . -W --keep-going --all --quiet >/dev/null
	@echo "The book: $(CURDIR)/$(SITE)"

# What the Pages workflow publishes.
site: $(STAMP)
	rm -rf _build/stamped
	$(BIN)/python tools/stamp.py --repository "$(REPOSITORY)" --address "$(ADDRESS)" --out _build/stamped
	$(BIN)/jupyter-book build _build/stamped -W --keep-going --all --quiet >/dev/null
	@touch _build/stamped/_build/html/.nojekyll
	@echo "The book: $(CURDIR)/_build/stamped/_build/html/index.html"

pdf: book
	$(BIN)/python tools/paper.py

links: $(STAMP)
	$(BIN)/python tools/links.py

# Cheap before dear; the first failure stops. PARTS='style tests' runs some.
test: $(STAMP)
	$(BIN)/python tools/check.py $(PARTS)

notebooks: $(STAMP)
	$(BIN)/python tools/execute.py $(NOTEBOOKS)

reproduce: $(STAMP)
	$(BIN)/python tools/reproduce.py $(RESULTS)

# Trusted, so that sliders move: what is trusted are these files as they are now.
lab: $(STAMP)
	$(BIN)/jupyter trust book/*.ipynb
	$(BIN)/jupyter lab book

clean:
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find minigen tests tools book -name __pycache__ -prune -exec rm -rf {} +
