"""Runs a command, ends it with SIGTERM once LOG has N lines, and checks its exit code:
stop_after.py LOG N COMMAND..."""

import pathlib
import signal
import subprocess
import sys
import time

log, lines, command = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
process = subprocess.Popen(command)
deadline = time.time() + 120
while process.poll() is None and time.time() < deadline:
    if log.exists() and log.read_text().count("\n") >= lines:
        break
    time.sleep(0.001)
process.send_signal(signal.SIGTERM)
code = process.wait(timeout=60)
# It may have been faster.
sys.exit(0 if code in (0, 128 + signal.SIGTERM) else 1)
