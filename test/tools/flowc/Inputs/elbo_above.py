"""Checks the ELBO of `flowc evaluate --json`, three standard errors up, and its error, if a bound is given:
elbo_above.py BOUND [MOST_ERROR] < JSON.
"""

import json
import sys

result = json.load(sys.stdin)["target"]
print("ELBO", result["elbo"], "+-", result["elbo_error"])
is_above = result["elbo"] + 3 * result["elbo_error"] > float(sys.argv[1])
is_sharp = len(sys.argv) < 3 or result["elbo_error"] < float(sys.argv[2])
sys.exit(0 if is_above and is_sharp else 1)
