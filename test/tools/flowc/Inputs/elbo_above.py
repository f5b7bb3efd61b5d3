"""Checks the ELBO of `flowc evaluate --json`, three standard errors up: elbo_above.py BOUND < JSON."""

import json
import sys

result = json.load(sys.stdin)["target"]
print("ELBO", result["elbo"], "+-", result["elbo_error"])
sys.exit(0 if result["elbo"] + 3 * result["elbo_error"] > float(sys.argv[1]) else 1)
