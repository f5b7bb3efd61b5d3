"""Checks the Pareto k of `flowc evaluate --json`: pareto_below.py BOUND < JSON."""

import json
import sys

result = json.load(sys.stdin)["target"]
print("Pareto k", result["pareto_k"])
sys.exit(0 if result["pareto_k"] < float(sys.argv[1]) else 1)
