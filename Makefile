# Every target makes the environment that it needs (launch/environment.sh) once, and uses it again.

ENVIRONMENT := launch/environment.sh .venv dev
PARITY_ENVIRONMENT := launch/environment.sh .venv-parity dev,parity
ENGINES_ENVIRONMENT := launch/environment.sh .venv-engines dev,engines
PEERS_ENVIRONMENT := launch/environment.sh .venv-peers dev,peers
OLDEST_ENVIRONMENT := launch/environment.sh .venv-oldest dev,gpu jax==0.11.2
GPU_ENVIRONMENT := launch/environment.sh .venv-gpu dev,gpu
RUN := .venv/bin/python -m
# All tests of a file run in one process, which keeps its fixtures and compiled programs; tests/conftest.py orders them.
PYTEST := pytest -n 2 --dist loadfile --no-loadscope-reorder
CODE := tanuki_jax configs tests

.PHONY: help demo demo-chat demo-arena plan-demo lint format
.PHONY: test test-thorough test-parity test-engines test-gpu-compile test-gpu-compile-oldest test-peers test-long test-faults test-slurm test-oldest

help: ## this list
	@grep -E '^[a-z-]+:.* ##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 26

demo: ## prepare, train and sample a tiny model on the CPU; run again, it resumes
	@$(ENVIRONMENT)
	$(RUN) tanuki_jax.prepare --config=tiny
	$(RUN) tanuki_jax.train --config=tiny
	$(RUN) tanuki_jax.generate runs/tiny --prompt 'user: ' --prompt 'def '

demo-chat: demo ## then tune it with instructions and with preferences, and chat with it
	$(RUN) tanuki_jax.prepare --config=tiny_sft
	$(RUN) tanuki_jax.train --config=tiny_sft
	$(RUN) tanuki_jax.prepare --config=tiny_dpo
	$(RUN) tanuki_jax.train --config=tiny_dpo
	$(RUN) tanuki_jax.generate runs/tiny_dpo --temperature 0 \
		--message '注文はスープとパスタです。「1. 」からの番号つきで書いてください。' --message '散歩と会議を記号つきの一覧にして。'
	$(RUN) tanuki_jax.generate runs/tiny_dpo --temperature 0 --chat

demo-arena: demo-chat ## then let people vote blind on the answers of the two tiny models, at http://127.0.0.1:8001
	@$(RUN) tanuki_jax.serve --checkpoint=tiny_sft=runs/tiny_sft --checkpoint=tiny_dpo=runs/tiny_dpo --port 8100 & \
	server=$$!; trap 'kill $$server; exit 1' INT TERM; trap 'kill $$server' EXIT; \
	until $(RUN) tanuki_jax.arena --config=demo; do sleep 3; done

plan-demo: ## plan the training of 8b on three nodes of H100, and search a few layouts; no GPU
	@$(GPU_ENVIRONMENT)
	.venv-gpu/bin/python -m tanuki_jax.plan --config=8b --target=h100:3x8
	.venv-gpu/bin/python -m tanuki_jax.plan --config=8b --target=h100:3x8 --search --layouts 8 \
		--csv runs/plan/8b.csv --plot runs/plan/8b.png

test: ## the fast tests: no network, no accelerator
	@$(ENVIRONMENT)
	$(RUN) $(PYTEST) --durations=10

test-thorough: ## the tests that compile many programs; also part of .ci/run
	@$(ENVIRONMENT)
	$(RUN) $(PYTEST) -m 'thorough and not parity and not long and not gpu_compile'

test-parity: ## the tests against torch and transformers, in .venv-parity
	@$(PARITY_ENVIRONMENT)
	.venv-parity/bin/python -m $(PYTEST) -m 'parity and not long'

test-engines: ## cleaning and synthesis on a real SLURM of two nodes and a real Ray cluster, both this machine; as root, with slurm-wlm
	@$(ENGINES_ENVIRONMENT)
	tests/launch/two_nodes.sh .venv-engines/bin/python -m pytest -m engines

test-peers: ## the server and the benchmarks with the tools of others: openai, lm-eval, inspect-ai, curl; in .venv-peers
	@$(PEERS_ENVIRONMENT)
	.venv-peers/bin/python -m $(PYTEST) -m peers tests/evaluation tests/inference tests/launch

test-long: ## the tests that are too slow for every change
	@$(ENVIRONMENT)
	$(RUN) pytest -m 'long and not parity and not gpu_compile'

test-gpu-compile: ## kernels and steps compiled to machine code for GPUs, without a GPU
	@$(GPU_ENVIRONMENT)
	.venv-gpu/bin/python -m $(PYTEST) -m 'gpu_compile and not long'

test-gpu-compile-oldest: ## those of the model and of one plan on the oldest jax that is supported
	@$(OLDEST_ENVIRONMENT)
	.venv-oldest/bin/python -m $(PYTEST) -m 'gpu_compile and not long' tests/lm tests/inference \
		tests/planning/plan/test_make_plan.py

test-faults: ## faults injected into real runs, with a table of their outcomes; 35 minutes on two cores, as root
	@$(ENVIRONMENT)
	$(RUN) pytest -n 2 --dist worksteal -o faulthandler_timeout=0 -m faults tests/faults

test-slurm: ## jobs of a real SLURM that it starts, with two nodes on this machine; as root, with SLURM installed
	@$(ENVIRONMENT)
	tests/launch/two_nodes.sh $(RUN) pytest -o faulthandler_timeout=0 -m slurm

test-oldest: ## the fast tests on the oldest jax that is supported
	@$(OLDEST_ENVIRONMENT)
	.venv-oldest/bin/python -m $(PYTEST)

lint: ## ruff, mypy --strict, and the order of imports between packages
	@$(ENVIRONMENT)
	$(RUN) ruff check $(CODE)
	$(RUN) ruff format --check $(CODE)
	$(RUN) mypy
	.venv/bin/lint-imports --no-logo --cache-dir .cache/import-linter

format: ## ruff's formatter and its safe corrections
	@$(ENVIRONMENT)
	$(RUN) ruff format $(CODE)
	$(RUN) ruff check --fix $(CODE)
