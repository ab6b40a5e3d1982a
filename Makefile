# muxboard's commands. `make run` and `make test` do all their own set-up; what is there is used.
SHELL := /bin/bash
.DEFAULT_GOAL := help
TOOLS := . target/toolenv &&

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: build ## build what changed, then serve this machine's tmux sessions and print a link
	@exec target/release/muxboard

test: ## everything: lints, house rules, unit and integration tests, browser tests
	@.ci/test

build: ## one self-contained binary: target/release/muxboard
	@.ci/bootstrap run && .ci/build

dev: ## rebuild and restart on every change (cargo-leptos watch)
	@rm -f target/site.made-of # what it leaves in target/site is no release
	@.ci/bootstrap dev && $(TOOLS) MUXBOARD_LOG=debug cargo leptos watch

platforms: ## write the table in docs/platforms.md from what the last `make test` ran
	@.ci/platforms

lint: ## rustfmt, clippy, and what we depend on: licences, sources, advisories
	@.ci/bootstrap lint && .ci/lint

guards: build ## take each guard of the door out in turn: the test named for it must fail (as root; about 20 minutes)
	@.ci/bootstrap test && .ci/guards

bare: ## walk the README on a bare Debian 12 and a bare 13: make run, then make test (as root; port 8088 must be free; hours)
	@.ci/bare long

bench: ## measure the page, the terminal and the fleet, also in a browser on a slow line (OTHER="ttyd=ws://..,PID": another server too)
	@.ci/bootstrap test && .ci/build && $(TOOLS) node end2end/bench/page.mjs && node end2end/bench/slow.mjs && cargo bench --quiet -p muxboard --bench terminal -- $(if $(OTHER),'$(OTHER)') && cargo bench --quiet -p muxboard --bench fleet

.PHONY: help run test build dev platforms lint guards bare bench
