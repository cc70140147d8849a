# The commands of CONTRIBUTING.md, for developers; `make` lists them. It is a Makefile because make is installed wherever
# git is, and `just` is not. They run the tools of `pip install -e '.[dev]'`, in the environment that is active.

.PHONY: help check fix generated docs docs-serve test ci

help:  ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

check:  ## what must hold before a commit, except the tests
	ruff check .
	ruff format --check .
	mypy
	inception-dsl fmt --check specs/ inception_dsl/recipes/
	inception-dsl lint specs/
	inception-dsl compile --check specs/

fix:  ## format and fix what tools can
	ruff check --fix .
	ruff format .
	inception-dsl fmt specs/ inception_dsl/recipes/

generated:  ## write generated/ anew, after a change of the output
	inception-dsl compile specs/

docs:  ## build the documentation in build/docs; broken links and anchors are errors
	mkdocs build --strict --config-file docs/website/mkdocs.yml

docs-serve:  ## show the documentation at a local address while you write
	mkdocs serve --config-file docs/website/mkdocs.yml

test:  ## every test but the nightly ones
	pytest -n auto

ci:  ## what CI does, from clean copies of the tree
	.ci/run
