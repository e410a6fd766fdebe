# Everything a newcomer or CI runs. `make demo` and `make test` install what they need (Debian or Ubuntu, as root).
VENV   := .venv
BIN    := $(VENV)/bin
# The newest that works: a name on PATH may be a shim without a Python behind it.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
            $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# The lab's tools; the second list is for tests with the cluster's own checkers.
LAB_PACKAGES  := python3-venv mmdebstrap patchelf e2fsprogs kmod iproute2 util-linux openssh-client procps
TEST_PACKAGES := pacemaker-cli-utils crmsh corosync drbd-utils nftables dash shellcheck ruby

.PHONY: help demo test check unit lab-tests long-tests bench bench-bootstrap drills campaigns readme clean

help:  ## Show these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

$(VENV)/.lab: pyproject.toml
	tools/apt-install $(LAB_PACKAGES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -e '.[lab]'
	@touch $@

$(VENV)/.dev: $(VENV)/.lab
	tools/apt-install $(TEST_PACKAGES)
	$(BIN)/pip install -q --disable-pip-version-check $$($(PYTHON) tools/dev-requirements)
	@touch $@

demo: $(VENV)/.lab  ## Build a real cluster on this machine, cut the primary's power, count what was lost
	$(BIN)/pcmk-ha demo

check: $(VENV)/.dev  ## Format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	shellcheck -s dash -x -P templates/usr/lib/ocf/resource.d/pcmk-ha templates/usr/lib/ocf/resource.d/pcmk-ha/* \
	  templates/usr/local/lib/pcmk-ha/* templates/usr/sbin/* pcmk_ha/lab/guest/lab-setup pcmk_ha/lab/guest/customize tools/apt-install
	ruby -c Vagrantfile

unit: $(VENV)/.dev  ## Tests without a lab
	$(BIN)/pytest -q -n auto -m 'not lab'

lab-tests: $(VENV)/.dev  ## Tests on real labs (as root)
	$(BIN)/pytest -q -m 'lab and not long'

long-tests: $(VENV)/.dev  ## The stories of day two on real labs, which make test leaves out (as root)
	$(BIN)/pytest -q -m 'lab and long'

test: check unit lab-tests  ## Checks, unit and offline tests, labs (as root)

bench-bootstrap: $(VENV)/.lab  ## Time empty nodes to a serving cluster, with two and three votes
	$(BIN)/python bench/bootstrap.py

bench: $(VENV)/.lab  ## Break pcmk-ha, a textbook cluster and Patroni in the same way, ten times each (many hours; BENCH='--runs 3')
	tools/apt-install postgresql  # for pgbench
	$(BIN)/python bench/side_by_side.py $(BENCH)
	$(BIN)/python tools/benchmark

drills: $(VENV)/.lab  ## Play every drill in a lab and keep what was measured (hours; DRILLS='NAME...' for some)
	$(BIN)/python bench/drills.py $(DRILLS)

campaigns: $(VENV)/.lab  ## Play 280 random drills by four seeds in four labs, one after the other, and keep them (hours)
	$(BIN)/python bench/campaigns.py --seed 1
	$(BIN)/python bench/campaigns.py --seed 2 --arbiter
	$(BIN)/python bench/campaigns.py --seed 3 --suite bookworm
	$(BIN)/python bench/campaigns.py --seed 4

readme: $(VENV)/.dev  ## Print the commands' help blocks and pictures into the README anew
	$(BIN)/python tools/readme.py

clean:  ## Remove the virtual environment
	rm -rf $(VENV)
