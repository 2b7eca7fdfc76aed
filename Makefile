# What you can do with the book. `make book` and `make test` are all a reader needs.
# The work is done by the Python files in tools/, so that nothing depends on make.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
RUN := .venv/Scripts/python
else
RUN := .venv/bin/python
endif
# One lock for every system and every Python from 3.11 on.
UV := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help env book test serve plain pdf lite course matrix tidy lint lock clean

help: ## list the targets (this text)
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s  %s\n", $$1, $$2}' Makefile
	@echo "With another interpreter: make book PYTHON=python3.12"

env:
	@$(PYTHON) tools/env.py

book: env ## build the site into _build/html; a warning is an error
	@$(RUN) -m tools.book

test: env ## run every test and every notebook
	@$(RUN) -m pytest -n logical --dist loadfile

serve: env ## show the site on 127.0.0.1 and rebuild the page you edit
	@$(RUN) -m tools.book serve

plain: env ## write the chapters as notebooks that read as plain Markdown into _build/plain
	@$(RUN) -m tools.plain

pdf: env ## set the whole book for paper, in _build/pdf; wants XeLaTeX
	@$(RUN) -m tools.paper

lite: env ## make a site in which the notebooks run in the browser, in _build/lite; then: make book
	@$(RUN) -m pip install --quiet --requirement requirements-lite.txt
	@$(RUN) -m tools.lite $(ARGS)

course: env ## write slides, notebooks and graded assignments of the course into _build/course
	@$(RUN) -m pip install --quiet --requirement requirements-course.txt
	@$(RUN) -m tools.course

matrix: env ## test mtlkit on other Pythons, versions and processors; one job: make matrix ARGS=lowest
	@$(RUN) -m tools.matrix $(ARGS)

tidy: env ## put notebooks into their stored form; write the index of exercises and the plans
	@$(RUN) -m tools.tidy
	@$(RUN) -m tools.exercises
	@$(RUN) -m tools.weeks

lint: env ## check the style of the code
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

lock: env ## write the locks and the list of licences anew; all to their newest: make lock ARGS=--upgrade
	@$(UV) --extra dev --output-file requirements.txt $(ARGS)
	@$(UV) --extra browser --constraint requirements.txt --output-file requirements-browser.txt $(ARGS)
	@$(UV) --extra scale --constraint requirements.txt --output-file requirements-scale.txt $(ARGS)
	@$(UV) --extra lite --constraint requirements.txt --output-file requirements-lite.txt $(ARGS)
	@$(UV) --extra course --constraint requirements.txt --output-file requirements-course.txt $(ARGS)
	@$(RUN) -m tools.supply

clean: ## remove what the build has made, but not .venv
	@rm -rf _build .pytest_cache .ruff_cache
