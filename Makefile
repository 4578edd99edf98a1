# Two commands need nothing but Python 3.11+ and make:  make demo   make test
# Each makes its own environment in .venv (uv where installed, else venv and pip).

PY := .venv/bin/python
TESTS ?= tests
BENCH ?=
FUZZ ?= tests

.PHONY: help demo test fuzz hostile false-positives check check-shell check-lua bench bench-large run smoke environment environment-demo clean

help:            ## what the targets do
	@sed -n 's/^\([a-z-]*\): .*## /  make \1\t/p' Makefile | expand -t 24

demo: environment-demo             ## see wa work for half a minute, without WezTerm
	@$(PY) -m wa demo

test: environment             ## the test suite (what needs npm, sshd or a real mux is skipped with its reason)
	@$(PY) -m pytest $(TESTS) -q -n auto --dist worksteal -m "not slow and not agents"

fuzz: environment             ## the properties on new examples, ten times over, till one fails (FUZZ=tests/ingest picks some)
	@set -e; for round in 1 2 3 4 5 6 7 8 9 10; do WA_HYPOTHESIS=fuzz $(PY) -m pytest $(FUZZ) -q -n auto --dist worksteal -m "hypothesis and not agents"; done

hostile: environment          ## ten thousand trials of typing, and of whole sidecars, among agents, people and muxes that misbehave (KIND=whole SEED=4711 replays one)
	@$(PY) tests/act/hostile/run.py $(if $(KIND),--kind $(KIND)) $(if $(SEED),--seed $(SEED),--trials $(or $(TRIALS),10000))

false-positives: environment  ## the rules against 100 MB of text that this machine has (hours; WA_TALK_MB=5 takes less)
	@$(PY) -m pytest tests/corpus -q -s -m machine

check: environment            ## formatting, lints, types, then the tests
	@$(PY) -m ruff format --check . && $(PY) -m ruff check . && $(PY) -m mypy && $(MAKE) --no-print-directory check-lua check-shell test

check-shell:
	@if command -v shellcheck >/dev/null; then shellcheck shell_integration/wa.bash && shellcheck -s sh setup/*.sh; else echo "shellcheck is not on PATH: wa.bash and setup/*.sh are not checked"; fi

check-lua:
	@if command -v stylua >/dev/null; then stylua --check lua tests/lua; else echo "stylua is not on PATH: the format of the Lua files is not checked"; fi
	@if command -v luacheck >/dev/null; then luacheck -q lua tests/lua; else echo "luacheck is not on PATH: the Lua files are not checked"; fi

bench: environment            ## every figure wa claims, each against its yardstick in the same run (BENCH="latency bursts" picks some)
	@$(PY) -m benchmarks $(BENCH)

bench-large: environment      ## search over ten million rows (minutes, 3 GB of disk)
	@$(PY) -m benchmarks.search_large --rows 10000000

run: environment-demo              ## the sidecar in the foreground, on this machine's WezTerm
	@$(PY) -m wa watch

smoke: environment-demo            ## wa starts without the dev extras
	@$(PY) -m wa --help >/dev/null && echo "wa starts"

environment:
	@sh .ci/environment dev

environment-demo:
	@sh .ci/environment demo

clean:           ## removes what make made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
