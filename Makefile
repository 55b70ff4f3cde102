# Every target makes the environment that it needs (launch/environment.sh) and reuses it afterwards.

ENVIRONMENT := launch/environment.sh .venv dev
PARITY_ENVIRONMENT := launch/environment.sh .venv-parity dev,parity
OLDEST_ENVIRONMENT := launch/environment.sh .venv-oldest dev,gpu jax==0.11.2
GPU_ENVIRONMENT := launch/environment.sh .venv-gpu dev,gpu
RUN := .venv/bin/python -m
# A file's tests stay in one process, for its fixtures and what it compiled. One file alone needs no such words.
PYTEST := pytest -n 2 --dist loadfile
CODE := tanuki_jax configs tests

.PHONY: help demo demo-chat plan-demo test test-parity test-gpu-compile test-gpu-compile-oldest test-long test-faults test-oldest lint format

help: ## this list
	@grep -E '^[a-z-]+:.* ##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 26

demo: ## prepare, train and sample a tiny model on the CPU; a second time goes on from there
	@$(ENVIRONMENT)
	$(RUN) tanuki_jax.prepare --config=tiny
	$(RUN) tanuki_jax.train --config=tiny
	$(RUN) tanuki_jax.generate runs/tiny --prompt 'user: ' --prompt 'def '

demo-chat: demo ## then teach it to answer in the form that is asked for, tune it with preferences, and chat with it
	$(RUN) tanuki_jax.prepare --config=tiny_sft
	$(RUN) tanuki_jax.train --config=tiny_sft
	$(RUN) tanuki_jax.prepare --config=tiny_dpo
	$(RUN) tanuki_jax.train --config=tiny_dpo
	$(RUN) tanuki_jax.generate runs/tiny_dpo --temperature 0 --message '注文はスープとパスタです。「1. 」からの番号つきで書いてください。' --message '散歩と会議を記号つきの一覧にして。'
	$(RUN) tanuki_jax.generate runs/tiny_dpo --temperature 0 --chat

plan-demo: ## what training 8b on three nodes of H100 needs, and a small search for a better layout; no GPU
	@$(GPU_ENVIRONMENT)
	.venv-gpu/bin/python -m tanuki_jax.plan --config=8b --target=h100:3x8
	.venv-gpu/bin/python -m tanuki_jax.plan --config=8b --target=h100:3x8 --search --layouts 8 --csv runs/plan/8b.csv --plot runs/plan/8b.png

test: ## the fast tests: no network, no accelerator
	@$(ENVIRONMENT)
	$(RUN) $(PYTEST) --durations=10

test-parity: ## the tests against torch and transformers, in an environment of their own
	@$(PARITY_ENVIRONMENT)
	.venv-parity/bin/python -m $(PYTEST) -m 'parity and not long'

test-long: ## the tests that are too slow for every change
	@$(ENVIRONMENT)
	$(RUN) pytest -m 'long and not parity and not gpu_compile'

test-gpu-compile: ## kernels and steps compiled to machine code for GPUs that are not here
	@$(GPU_ENVIRONMENT)
	.venv-gpu/bin/python -m pytest -m 'gpu_compile and not long'

test-gpu-compile-oldest: ## the same on the oldest jax that is supported
	@$(OLDEST_ENVIRONMENT)
	.venv-oldest/bin/python -m pytest -m 'gpu_compile and not long'

test-faults: ## faults injected into real runs, and a table of what came of them; half an hour on two cores, as root
	@$(ENVIRONMENT)
	$(RUN) pytest -n 2 --dist worksteal -o faulthandler_timeout=0 -m faults tests/faults

test-oldest: ## the fast tests on the oldest jax that is supported
	@$(OLDEST_ENVIRONMENT)
	.venv-oldest/bin/python -m $(PYTEST)

lint: ## ruff, mypy --strict, and the floors that imports must keep to
	@$(ENVIRONMENT)
	$(RUN) ruff check $(CODE)
	$(RUN) ruff format --check $(CODE)
	$(RUN) mypy
	.venv/bin/lint-imports --no-logo --cache-dir .cache/import-linter

format: ## ruff's formatter and its safe corrections
	@$(ENVIRONMENT)
	$(RUN) ruff format $(CODE)
	$(RUN) ruff check --fix $(CODE)
