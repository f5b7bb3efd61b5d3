"""Runs a command that writes a file, sends it a signal once the temporary of this file is there, and prints how it ends
and which files it leaves behind, for each signal: terminate.py SIGNAL[,SIGNAL...] FOLDER COMMAND..."""

import pathlib
import signal
import subprocess
import sys
import time


def terminate(number, folder, command):
    before = {path.name for path in folder.iterdir()}
    signal.signal(number, signal.SIG_DFL)  # Shells ignore some for what runs in the background, and so would flowc.
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.time() + 120
    while process.poll() is None and time.time() < deadline:
        if any(path.suffix == ".tmp" for path in folder.iterdir()):
            break
        time.sleep(0.01)
    process.send_signal(number)
    code = process.wait(timeout=60)
    print(f"{number.name}: exit code {code}, left: {sorted({path.name for path in folder.iterdir()} - before)}")


for name in sys.argv[1].split(","):
    terminate(signal.Signals[name], pathlib.Path(sys.argv[2]), sys.argv[3:])
