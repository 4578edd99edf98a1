"""What `wezterm cli proxy` does: stdio to a socket and back."""

import os
import socket
import sys
import threading


def main(path: str) -> None:
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except OSError:
        sys.stderr.write(f'ERROR  wezterm > failed to connect to Socket("{path}"): connecting to {path}; terminating\n')
        sys.exit(1)

    def upwards() -> None:
        while data := os.read(0, 65536):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    threading.Thread(target=upwards, daemon=True).start()
    while data := server.recv(65536):
        os.write(1, data)


main(sys.argv[1])
