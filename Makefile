# Every target explains itself: run `make` or `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
BIN := $(CURDIR)/node_modules/.bin
# Further options for mocha, as in `make test MOCHA=--bail`.
MOCHA :=
export PATH := $(BIN):$(PATH)
INSTALLED := node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help demo test lint format check build vectors errors peers test-peers bench campaign clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(INSTALLED): package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error >/dev/null

demo: build ## the main job in one minute: export, approve, verify, import, and two refusals
	@bash scripts/demo.sh

test: $(INSTALLED) ## all tests; those that need real counterparts are skipped where `make peers` has not run
	@node node_modules/mocha/bin/mocha.js $(MOCHA)

lint: $(INSTALLED) ## types, lint, format, unused code
	@tsc -p tsconfig.json --noEmit
	@oxlint --deny-warnings
	@prettier --check --log-level warn .
	@knip

format: $(INSTALLED) ## rewrite the sources in house format
	@prettier --write --log-level warn .

check: lint vectors errors ## lint, then prove that generated files are what their scripts make
	@git diff --exit-code -- bundles

build: $(INSTALLED) ## compile to dist/
	@npm run --silent build

vectors: $(INSTALLED) ## remake the golden bundles
	@node bundles/make-vectors.ts

errors: $(INSTALLED) ## remake bundles/ERRORS.md, COMMANDS.md and schemas from the code
	@node bundles/make-errors.ts
	@node bundles/make-commands.ts
	@node bundles/make-schemas.ts

peers: ## install the pinned real counterparts (registry, skopeo, crane, regctl, oras, cosign, python-tuf)
	@bash scripts/peers.sh

test-peers: $(INSTALLED) peers ## all tests, and a missing counterpart fails
	@CI=true node node_modules/mocha/bin/mocha.js

bench: build peers ## measure every row of the speed table side by side with the peers
	@node test/bench/bench.ts --both --json bench.json

campaign: build peers ## the long sweeps: every kill point, a 9 GiB member; run before an issue closes
	@CI=true KILLS=all CAMPAIGN=1 node node_modules/mocha/bin/mocha.js --timeout 7200000 'test/slow/*.test.ts'

clean: ## remove what was built
	@rm -rf dist demo coverage
