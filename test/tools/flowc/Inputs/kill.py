"""Kills trainings at random moments and resumes them: kill.py FLOWC FOLDER --data|--target FLOW DATA.

After each SIGKILL every file that is there can be read; the last resumption gives the model of the
uninterrupted run, bit for bit.
"""

import pathlib
import random
import signal
import subprocess
import sys
import time

KILLS = 6

flowc, folder, kind, flow, data = sys.argv[1], pathlib.Path(sys.argv[2]), *sys.argv[3:]
random.seed(len(kind))
options = {
    "--data": ["--columns", "u,g", "--max-epochs", "60", "--max-patience", "60"],
    "--target": ["--no-chains", "--steps", "4000", "--num-samples", "128"],
}[kind]
options += ["--checkpoint", str(folder / "kill.safetensors"), "--checkpoint-seconds", "0.02"]
checkpoint = folder / "kill.safetensors"
checkpoint.unlink(missing_ok=True)


def command(output):
    resume = ["--resume", str(checkpoint)] if checkpoint.exists() else []
    return [flowc, "train", flow, kind, data, *options, *resume, "-o", str(folder / output)]


def samples(model):
    return subprocess.run([flowc, "sample", str(folder / model), "-n", "200"], check=True, capture_output=True).stdout


start = time.time()
subprocess.run(command("straight.safetensors"), check=True, stdout=subprocess.DEVNULL)
whole = time.time() - start
expected = samples("straight.safetensors")
checkpoint.unlink()
for _ in range(KILLS):
    process = subprocess.Popen(command("killed.safetensors"), stdout=subprocess.DEVNULL)
    time.sleep(random.uniform(0.2, 0.6) * whole)
    process.send_signal(random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
    process.wait()
    for file in folder.glob("kill*.safetensors"):
        size = int.from_bytes(file.read_bytes()[:8], "little")
        assert file.stat().st_size > size > 0, file
subprocess.run(command("killed.safetensors"), check=True, stdout=subprocess.DEVNULL)
assert samples("killed.safetensors") == expected, "resumed after kills, the model is another one"
