# Two commands do everything: `make run` and `make test`.
#   make run                                      the whole bank on this machine
#   SIP=0.0.0.0:5060 WEB=127.0.0.1:9000 DATA=/srv/bank CALL=0 STAFF=0 make run
#   FAULTS=faults.json make run                   with a fault plan of the demo host, docs/corehost.md
#   make test                                     format, lint, types, imports, tests
#   make test-postgresql                          the tests again, with PostgreSQL as the store
#   make test-long                                whole simulations, soaks, and programs not ours
.DEFAULT_GOAL := help
.PHONY: help run test test-postgresql test-long check format clean

BIN := .venv/bin
CODE := telebank transactions core_adapters fax voice_prompts tests

help:
	@sed -n '1,/^$$/{s/^# \{0,1\}//p}' Makefile

run:
	@scripts/setup run
	@exec $(BIN)/telebank run \
	    $(foreach place,$(SIP),--sip '$(place)') $(if $(WEB),--web '$(WEB)') $(if $(DATA),--data '$(DATA)') \
	    $(if $(FAULTS),--faults '$(FAULTS)') $(if $(filter 0,$(CALL)),--no-call) $(if $(filter 0,$(STAFF)),--no-staff)

check:
	@scripts/setup $(if $(filter test-long,$(MAKECMDGOALS)),long,test)
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Rooms a file at a time on each core; then those that start whole banks and keep time, alone:
# both, also where the first has a red one.
test test-postgresql: check
	@red=0; $(if $(filter test-postgresql,$@),export TELEBANK_TEST_STORE=postgresql;) \
	$(BIN)/pytest -m "not long and not system" --numprocesses auto --maxprocesses 8 --dist loadfile || red=1; \
	$(BIN)/pytest -m "not long and system" || red=1; \
	exit $$red

test-long: check
	$(BIN)/pytest

format:
	@scripts/setup test
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
