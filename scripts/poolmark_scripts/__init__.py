"""What stands behind scripts/bench, scripts/overhead, scripts/test, scripts/plot, scripts/compare and scripts/mutate.

The package sees the rest of poolmark only through the results file (docs/results-format.md) and
the command line of the measuring program, so that either side can be replaced by another.
"""
