# Each target is one script that does all of its own set-up; see scripts/.
.PHONY: run test bench bench-learning bench-baselines bench-cross-validation bench-robustness lint

run:
	@scripts/run.sh

test:
	@scripts/test.sh

bench:
	@scripts/bench.sh

bench-learning:
	@scripts/bench-learning.sh

bench-baselines:
	@scripts/bench-baselines.sh

bench-cross-validation:
	@scripts/bench-cross-validation.sh

bench-robustness:
	@scripts/bench-robustness.sh

lint:
	@scripts/lint.sh
