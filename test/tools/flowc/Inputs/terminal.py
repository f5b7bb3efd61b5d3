"""Runs a command whose stderr is a terminal of so many columns; prints what it drew there, line by line:
terminal.py COLUMNS COMMAND..."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

main, terminal = pty.openpty()
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
process = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=terminal)
os.close(terminal)
drawn = b""
while True:
    try:
        some = os.read(main, 65536)
    except OSError:  # The other end was closed.
        break
    if not some:
        break
    drawn += some
for line in drawn.decode().replace("\x1b[K", "").replace("\r", "\n").split("\n"):
    if line:
        print(f"{len(line)}: {line}")
sys.exit(process.wait())
