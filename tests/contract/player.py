"""Runs in a pane: prints what it is told to over a socket, and tells what it reads. `player.py SOCKET`.

From the socket: frames of a u32 length and bytes to print. To the socket: whatever comes from the terminal.
"""

import os
import select
import socket
import struct
import sys
import tty

tty.setraw(0)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1] + ".new")
listener.listen(1)
os.rename(sys.argv[1] + ".new", sys.argv[1])  # noqa: PTH104 - starts in a few milliseconds without pathlib
control, _ = listener.accept()
pending = b""
while True:
    for fd in select.select([0, control], [], [])[0]:
        if fd == 0:
            data = os.read(0, 65536)
            if not data:
                sys.exit()
            control.sendall(data)
            continue
        data = control.recv(65536)
        if not data:
            sys.exit()
        pending += data
        while len(pending) >= 4 and len(pending) >= 4 + struct.unpack(">I", pending[:4])[0]:
            (size,) = struct.unpack(">I", pending[:4])
            text, pending = pending[4 : 4 + size], pending[4 + size :]
            while text:
                text = text[os.write(1, text) :]
