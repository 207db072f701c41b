# The two commands: `make up` runs Spanledger here, `make test` is what CI runs. Everything lands in .venv*.
.PHONY: up demo test check format lock matrix screenshots clean

up:
	@scripts/setup server
	@exec .venv/bin/spanledger up $(ARGS)

demo:
	@scripts/setup server
	@exec .venv/bin/spanledger demo $(ARGS)

test:
	@scripts/setup dev
	@scripts/check
	@scripts/test $(ARGS)

check:
	@scripts/setup dev
	@scripts/check

format:
	@.venv/bin/ruff check --fix-only . && .venv/bin/ruff format .

lock:
	@scripts/lock

matrix:
	@scripts/matrix

screenshots:
	@scripts/setup dev
	@.venv/bin/python scripts/screenshots.py $(ARGS)

clean:
	rm -rf .venv .venv-oldest .venv-frameworks .venv-focus .venv-3.* dist build
