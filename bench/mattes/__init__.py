"""The parts of `bench.matting`: pictures with a known truth, figures, tables, costs."""
