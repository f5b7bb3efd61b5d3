# Explains every golden flow for LaTeX, and checks what TeX would trip over.
#
#   check_tex.py FLOWC GOLDEN

import pathlib
import re
import subprocess
import sys

flowc, golden = sys.argv[1:]
count = problems = 0


def report(flow, line):
    global problems
    problems += 1
    print(flow, line, file=sys.stderr)


for flow in sorted(pathlib.Path(golden).glob("*/model.flow")):
    result = subprocess.run([flowc, "explain", str(flow), "--format", "latex"], capture_output=True, text=True)
    if result.returncode != 0:
        report(flow, result.stderr)
        continue
    count += 1
    for line in result.stdout.splitlines():
        braces = re.sub(r"\\[{}]", "", line)
        dollars = line.replace("\\$", "")
        if braces.count("{") != braces.count("}") or dollars.count("$") % 2 or not line.isascii():
            report(flow, line)
        if re.search(r"e-30[0-9]", line):
            report(flow, line)
    if result.stdout.count("\\begin{") != result.stdout.count("\\end{"):
        report(flow, "environments")
print(f"{count} explanations, {problems} problems")
