# Cuts files, and flips bytes in them: flowc says what is wrong, or reads numbers, and is not ended by a signal.
#
#   damage_packed.py FLOWC MODEL FILE[:ARRAY]...

import pathlib
import subprocess
import sys

flowc, model, *sources = sys.argv[1:]
errors = cuts = crashes = 0


def run(source, array, data):
    global crashes
    damaged = pathlib.Path(source).with_name("damaged" + "".join(pathlib.Path(source).suffixes))
    damaged.write_bytes(data)
    result = subprocess.run([flowc, "log-prob", model, str(damaged) + array], capture_output=True, text=True, errors="replace")
    if result.returncode not in (0, 1) or (result.returncode == 1 and "error:" not in result.stderr):
        crashes += 1
        print(result.returncode, result.stderr, file=sys.stderr)
    return result.returncode


for named in sources:
    source, colon, array = named.partition(":")
    whole = pathlib.Path(source).read_bytes()
    for length in range(3, len(whole), max(1, len(whole) // 6)):
        cuts += 1
        errors += run(source, colon + array, whole[:length]) == 1
    for at in range(0, len(whole), max(1, len(whole) // 8)):
        run(source, colon + array, whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
if errors != cuts:
    sys.exit(f"{cuts - errors} cut files were read")
print(f"{errors} of {cuts} cut files are errors, {crashes} crashes")
