# Each target is one script that does all of its own set-up; see scripts/.
.PHONY: run test bench lint

run:
	@scripts/run.sh

test:
	@scripts/test.sh

bench:
	@scripts/bench.sh

lint:
	@scripts/lint.sh
