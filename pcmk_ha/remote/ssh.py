"""SSH with Fabric; the only module that imports it.

Fabric trusts unknown host keys and closes over standard input as it comes: here keys are verified, nothing is
read from the terminal, every command has a deadline, and secrets travel on standard input only.
"""

from __future__ import annotations

import io
import logging
import shlex
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import paramiko
from fabric import Config, Connection
from invoke.exceptions import CommandTimedOut
from paramiko.ssh_exception import AuthenticationException, BadHostKeyException, SSHException

from pcmk_ha.errors import CommandFailed, NodeUnreachable
from pcmk_ha.remote.connect import AskHostKey
from pcmk_ha.remote.log import CommandLog
from pcmk_ha.remote.runner import Outcome

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs tracebacks of what we report ourselves


class _Policy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Refuses an unknown host key, unless whoever is asked trusts it; then it is remembered."""

    def __init__(self, ask: AskHostKey, known_hosts: Path) -> None:
        self._ask = ask
        self._known_hosts = known_hosts

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Decide on a key nobody has seen; paramiko calls this during the handshake."""
        if not self._ask(hostname, key.fingerprint):
            raise SSHException(f"unknown host key {key.get_name()} {key.fingerprint}")
        self._known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._known_hosts.open("a") as file:
            file.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")


class SshRunner:
    """One node over one SSH connection; may be used from several threads at once."""

    def __init__(self, node: str, connection: Connection, *, log: CommandLog) -> None:
        self._node = node
        self._connection = connection
        self._log = log
        self._lock = threading.Lock()

    @property
    def node(self) -> str:
        """The node's name."""
        return self._node

    @property
    def sudo(self) -> tuple[str, ...]:
        """What makes a command root's: nothing where we log in as root."""
        return () if self._connection.user == "root" else ("sudo", "-n", "--")

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float = 30,
        ok: Collection[int] | None = (0,),
    ) -> Outcome:
        """Run a command as root; see Runner."""
        begin = time.monotonic()
        status, stdout, stderr = self._execute(shlex.join((*self.sudo, *argv)), stdin, timeout)
        outcome = Outcome(tuple(argv), status, stdout, stderr)
        self._log.write(self._node, outcome, time.monotonic() - begin)
        if ok is not None and status not in ok:
            said = (stderr.strip() or stdout.strip())[-600:]
            raise CommandFailed(f"{self._node}: {shlex.join(argv)[:200]} failed ({status}): {said}")
        return outcome

    def _execute(self, command: str, stdin: str | None, timeout: float) -> tuple[int, str, str]:
        try:
            with self._lock:  # opening a channel is what threads must not do at the same time
                if not self._connection.is_connected:
                    raise NodeUnreachable(f"{self._node}: the connection was lost")
                channel = self._connection.transport.open_session(timeout=10)
            return _talk(channel, command, stdin, timeout)
        except (CommandTimedOut, TimeoutError):
            raise CommandFailed(f"{self._node}: {command[:200]} did not end within {timeout:.0f} s") from None
        except (SSHException, OSError, EOFError) as error:
            raise NodeUnreachable(f"{self._node}: {_words(error)}") from None

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Replace a file in one step; see Runner."""
        script = (
            'set -e; umask 077; d=$(dirname -- "$1"); [ -d "$d" ] || install -d -m 755 "$d"; '
            't=$(mktemp "$d/.pcmk-ha.XXXXXX"); trap \'rm -f "$t"\' EXIT; cat > "$t"; '
            # fsync before the name changes: after a power cut the file is the old one or the new one, never empty
            'chown "$2" "$t"; chmod "$3" "$t"; sync "$t"; mv -T "$t" "$1"'
        )
        self.run(("sh", "-c", script, "put", path, owner, f"{mode:o}"), stdin=content)

    def read(self, path: str) -> str | None:
        """Return a file's text, None where there is no such file."""
        outcome = self.run(("sh", "-c", '[ -e "$1" ] || exit 44; cat -- "$1"', "read", path), ok=(0, 44))
        return outcome.stdout if outcome.status == 0 else None

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _talk(channel: Any, command: str, stdin: str | None, timeout: float) -> tuple[int, str, str]:
    """Run a command on an open channel: feed it, read both streams, all within one deadline."""
    deadline = time.monotonic() + timeout
    with channel:
        channel.settimeout(timeout)
        channel.exec_command(command)
        feeder = threading.Thread(target=_feed, args=(channel, stdin), daemon=True)
        feeder.start()
        out, err = io.BytesIO(), io.BytesIO()
        reader = threading.Thread(target=_drain, args=(channel.recv_stderr, err), daemon=True)
        reader.start()
        while data := channel.recv(65536):
            out.write(data)
            if time.monotonic() > deadline:
                raise TimeoutError
        reader.join(max(0.1, deadline - time.monotonic()))
        if not channel.status_event.wait(max(0.1, deadline - time.monotonic())):
            raise TimeoutError
        status = channel.recv_exit_status()
    return status, out.getvalue().decode(errors="replace"), err.getvalue().decode(errors="replace")


def _feed(channel: Any, stdin: str | None) -> None:
    try:
        if stdin:
            channel.sendall(stdin.encode())
        channel.shutdown_write()
    except (OSError, EOFError, SSHException):
        return  # the command ended without reading everything: its status says what that means


def _drain(receive: Callable[[int], bytes], into: io.BytesIO) -> None:
    try:
        while data := receive(65536):
            into.write(data)
    except (OSError, EOFError):
        return


def open_ssh(
    node: str, host: str, *, ssh_config: Path | None, ask: AskHostKey, log: CommandLog, timeout_s: float
) -> SshRunner:
    """Connect to a node; raises NodeUnreachable with what to do about it."""
    config = _config(ssh_config)
    connection = Connection(host, config=config, connect_timeout=int(timeout_s), user=None)
    known = _load_known_hosts(connection, config, host)
    connection.client.set_missing_host_key_policy(_Policy(ask, known))
    connection.connect_kwargs.setdefault("banner_timeout", timeout_s)
    connection.connect_kwargs.setdefault("auth_timeout", max(timeout_s, 5))
    try:
        connection.open()
    except BadHostKeyException as error:
        raise NodeUnreachable(
            f"{node}: the host key has CHANGED: it is {error.key.fingerprint} now",
            hint=f"if the machine was replaced: ssh-keygen -R {host} -f {known}",
        ) from None
    except AuthenticationException:
        raise NodeUnreachable(f"{node}: SSH refused our key", hint=f"ssh-copy-id {host}") from None
    except (SSHException, OSError, EOFError, ValueError) as error:
        hint = "--accept-new-host-keys trusts it" if "unknown host key" in str(error) else ""
        raise NodeUnreachable(f"{node}: {_words(error)}", hint=hint) from None
    connection.transport.set_keepalive(5)
    return SshRunner(node, connection, log=log)


def _config(ssh_config: Path | None) -> Config:
    if ssh_config is None:
        return Config()
    config = Config(lazy=True, runtime_ssh_path=str(ssh_config))
    config.load_base_conf_files()
    config.load_ssh_config()
    return config


def _load_known_hosts(connection: Connection, config: Config, host: str) -> Path:
    """Load what ssh(1) would look at, and return where a newly trusted key is written."""
    client = connection.client
    client.load_system_host_keys("/etc/ssh/ssh_known_hosts") if Path("/etc/ssh/ssh_known_hosts").exists() else None
    named = config.base_ssh_config.lookup(host).get("userknownhostsfile", "~/.ssh/known_hosts")
    files = [Path(name).expanduser() for name in named.split()]
    for file in files:
        if file.exists():
            client.load_system_host_keys(str(file))
    return files[0]


def _words(error: BaseException) -> str:
    """Say what happened without the class names of a library."""
    if isinstance(error, TimeoutError):
        return "no answer"
    text = str(error) or type(error).__name__
    return getattr(error, "strerror", None) or text
