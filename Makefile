# Each target is one script that does all of its own set-up; see scripts/.
.PHONY: run test bench bench-learning lint

run:
	@scripts/run.sh

test:
	@scripts/test.sh

bench:
	@scripts/bench.sh

bench-learning:
	@scripts/bench-learning.sh

lint:
	@scripts/lint.sh
