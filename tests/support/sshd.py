"""A small SSH server on 127.0.0.1 that runs what it is told on this machine; it also is a jump host."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import paramiko


class _Login(paramiko.ServerInterface):
    def __init__(self, user_key: paramiko.PKey) -> None:
        self._user_key = user_key
        self.targets: dict[int, tuple[str, int]] = {}

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL if key == self._user_key else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(self, chanid: int, origin: Any, destination: tuple[str, int]) -> int:
        self.targets[chanid] = destination
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=_execute, args=(channel, command.decode()), daemon=True).start()
        return True


def _execute(channel: paramiko.Channel, command: str) -> None:
    # A client speaks, or says that it will not, once it has the answer to its request: what runs before could be over
    # before that answer is sent, and the client would find a closed channel.
    if command.endswith("</dev/null"):
        time.sleep(0.05)  # it will say nothing
        first = b""
    else:
        first = channel.recv(65536)
    pipe = subprocess.PIPE
    process = subprocess.Popen(["/bin/sh", "-c", command], stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdout
    assert process.stderr
    errors = threading.Thread(target=_copy, args=(process.stderr.read1, channel.sendall_stderr), daemon=True)
    errors.start()
    threading.Thread(target=_feed, args=(channel, process, first), daemon=True).start()
    _copy(process.stdout.read1, channel.sendall)
    errors.join()
    with contextlib.suppress(OSError):
        channel.send_exit_status(process.wait())
        channel.close()


def _feed(channel: paramiko.Channel, process: subprocess.Popen[bytes], first: bytes) -> None:
    assert process.stdin

    def write(data: bytes) -> None:
        process.stdin.write(data)
        process.stdin.flush()

    with contextlib.suppress(OSError):
        write(first)
    _copy(channel.recv, write)
    with contextlib.suppress(OSError):
        process.stdin.close()


def _copy(read: Any, write: Any) -> None:
    with contextlib.suppress(OSError, EOFError):
        while data := read(65536):
            write(data)


def _serve(client: socket.socket, host_key: paramiko.PKey, user_key: paramiko.PKey) -> None:
    transport = paramiko.Transport(client)
    transport.add_server_key(host_key)
    login = _Login(user_key)
    with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
        transport.start_server(server=login)
        while transport.is_active():
            channel = transport.accept(0.2)
            if channel is not None and (target := login.targets.get(channel.chanid)):
                _forward(channel, socket.create_connection(target))


def _forward(channel: paramiko.Channel, target: socket.socket) -> None:
    for read, write in ((channel.recv, target.sendall), (target.recv, channel.sendall)):
        threading.Thread(target=_copy, args=(read, write), daemon=True).start()


@contextlib.contextmanager
def ssh_server(host_key: paramiko.PKey, user_key: paramiko.PKey) -> Iterator[int]:
    """Serve until the block ends; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = listener.accept()
                threading.Thread(target=_serve, args=(client, host_key, user_key), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
