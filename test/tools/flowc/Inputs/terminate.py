"""Runs a command that writes a file, sends it a signal once the temporary of this file is there, and prints how it ends
and which files it leaves behind: terminate.py SIGNAL FOLDER COMMAND..."""

import pathlib
import signal
import subprocess
import sys
import time

number, folder, command = signal.Signals[sys.argv[1]], pathlib.Path(sys.argv[2]), sys.argv[3:]
before = {path.name for path in folder.iterdir()}
process = subprocess.Popen(command)
deadline = time.time() + 120
while process.poll() is None and time.time() < deadline:
    if any(path.suffix == ".tmp" for path in folder.iterdir()):
        break
    time.sleep(0.01)
process.send_signal(number)
print("exit code", process.wait(timeout=60))
print("left:", sorted({path.name for path in folder.iterdir()} - before))
