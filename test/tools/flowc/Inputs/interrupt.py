"""Runs a training, sends it a signal once its log (--log FILE) has two epochs, and prints its exit code:
interrupt.py SIGNAL COMMAND..."""

import pathlib
import signal
import subprocess
import sys
import time

number, command = signal.Signals[sys.argv[1]], sys.argv[2:]
log = pathlib.Path(command[command.index("--log") + 1])
log.unlink(missing_ok=True)
signal.signal(number, signal.SIG_DFL)  # Shells ignore some for what runs in the background, and so would flowc.
process = subprocess.Popen(command)
deadline = time.time() + 120
while process.poll() is None and time.time() < deadline:
    if log.exists() and log.read_text().count("\n") >= 3:
        break
    time.sleep(0.02)
process.send_signal(number)
print("exit code", process.wait(timeout=60), flush=True)
