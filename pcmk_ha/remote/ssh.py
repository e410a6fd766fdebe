"""SSH with Fabric; the only module that imports it.

Fabric trusts unknown host keys and closes over standard input as it comes: here keys are verified, nothing is
read from the terminal, every command has a deadline, and secrets travel on standard input only.
"""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import paramiko
from fabric import Config, Connection
from invoke.exceptions import CommandTimedOut
from paramiko.pkey import UnknownKeyType
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    PasswordRequiredException,
    SSHException,
)

from pcmk_ha.errors import CommandFailed, NodeUnreachable, PcmkHaError
from pcmk_ha.remote.connect import AskHostKey
from pcmk_ha.remote.known_hosts import KnownKey, find_keys, host_name, new_line
from pcmk_ha.remote.log import CommandLog
from pcmk_ha.remote.runner import Outcome
from pcmk_ha.remote.ssh_config import read_ssh_config
from pcmk_ha.scrub.patterns import mask_patterns

NO_INPUT = " </dev/null"
logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs tracebacks of what we report ourselves


class _Policy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Refuses an unknown host key, unless whoever is asked trusts it; then it is remembered."""

    def __init__(self, ask: AskHostKey, name: str, revoked: Collection[str], known_hosts: Path | None) -> None:
        self._ask = ask
        self._name = name
        self._revoked = revoked
        self._known_hosts = known_hosts

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Decide on a key nobody has seen; paramiko calls this during the handshake."""
        if key.get_base64() in self._revoked:
            raise _HostKeyRefused(f"host key {key.fingerprint} is REVOKED in known_hosts", "do not connect")
        if not self._ask(self._name, key.fingerprint):
            what = f"unknown host key {key.get_name()} {key.fingerprint} of {self._name}"
            raise _HostKeyRefused(what, "--accept-new-host-keys trusts it")
        if self._known_hosts is not None:
            _remember(self._known_hosts, self._name, KnownKey(key.get_name(), key.get_base64()))


class _ChangedKeyPolicy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Asks whether another key than the known ones is to be trusted from now on, and forgets those then."""

    def __init__(self, ask: AskHostKey, name: str, known: Collection[KnownKey], own: Collection[Path]) -> None:
        self._ask = ask
        self._name = name
        self._known = known
        self._own = own

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Decide on the key; no known one is compared during this handshake."""
        if any(known.revoked and known.base64 == key.get_base64() for known in self._known):
            raise _HostKeyRefused(f"host key {key.fingerprint} is REVOKED in known_hosts", "do not connect")
        if not self._ask(self._name, key.fingerprint):
            what = f"the host key of {self._name} has CHANGED: it is {key.get_name()} {key.fingerprint} now"
            raise _HostKeyRefused(what, "--accept-new-host-keys trusts it, if that is the new machine's")
        for file in self._own:
            _forget(file, self._name)
        if self._own:
            _remember(next(iter(self._own)), self._name, KnownKey(key.get_name(), key.get_base64()))


class _HostKeyRefused(SSHException):  # type: ignore[misc]
    """The host is not proven to be the one that is meant."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


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
        try:
            # With nothing to read, no end of it is sent either: one that crosses the command's own end on its way makes
            # sshd hang up ("ieof packet referred to nonexistent channel"), and with it on all that runs beside.
            # `exec`, because a shell that redirects forks for the command otherwise.
            command = shlex.join((*self.sudo, *argv))
            if not stdin:
                command = f"exec {command}{NO_INPUT}"
            status, stdout, stderr = self._execute(command, stdin, timeout)
        except PcmkHaError as error:  # what did not answer is what one looks for in a log
            self._log.write(self._node, Outcome(tuple(argv), -1, "", str(error)), time.monotonic() - begin)
            raise
        outcome = Outcome(tuple(argv), status, stdout, stderr)
        self._log.write(self._node, outcome, time.monotonic() - begin)
        if ok is not None and status not in ok:
            said = mask_patterns(stderr.strip() or stdout.strip())[-600:]
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
            plain = command.removeprefix("exec ").removesuffix(NO_INPUT)
            raise CommandFailed(f"{self._node}: {plain[:200]} did not end within {timeout:.0f} s") from None
        except (SSHException, OSError, EOFError) as error:
            raise NodeUnreachable(f"{self._node}: {_words(error)}") from None

    def put(self, path: str, content: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Replace a file in one step; see Runner."""
        script = (
            'set -e; umask 077; d=$(dirname -- "$1"); [ -d "$d" ] || install -d -m 755 "$d"; '
            't=$(mktemp "$d/.pcmk-ha.XXXXXX"); trap \'rm -f "$t"\' EXIT; cat > "$t"; '
            # fsync before the name changes: after a power cut the file is the old one or the new one, never empty; and
            # after: once this has returned it is the new one.
            'chown "$2" "$t"; chmod "$3" "$t"; sync "$t"; mv -T "$t" "$1"; sync "$d"'
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
        if stdin:
            threading.Thread(target=_feed, args=(channel, stdin), daemon=True).start()
        out, err = io.BytesIO(), io.BytesIO()
        reader = threading.Thread(target=_drain, args=(channel.recv_stderr, err), daemon=True)
        reader.start()
        while data := channel.recv(65536):
            out.write(data)
            channel.settimeout(max(0.01, deadline - time.monotonic()))
        reader.join(max(0.1, deadline - time.monotonic()))
        if not channel.status_event.wait(max(0.1, deadline - time.monotonic())):
            raise TimeoutError
        status = channel.recv_exit_status()
    return status, out.getvalue().decode(errors="replace"), err.getvalue().decode(errors="replace")


def _feed(channel: Any, stdin: str) -> None:
    try:
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
    node: str, host: str, *, ssh_config: Path | None, ask: AskHostKey, log: CommandLog, timeout_s: float,
    ask_changed: AskHostKey | None = None,
) -> SshRunner:  # fmt: skip
    """Connect to a node; raises NodeUnreachable with what to do about it.

    A host key that is another one than before is refused, unless `ask_changed`, told host and fingerprint, says yes.
    """
    names: dict[str, str] = {}  # in known_hosts, by host
    try:
        config = Config(ssh_config=paramiko.SSHConfig.from_text(read_ssh_config(ssh_config)))
        connection = Connection(host, config=config)
        for hop in _hops(connection):
            names[hop.host] = _prepare(hop, ask, timeout_s)
        try:
            connection.open()
        except BadHostKeyException as error:
            target = (connection.host, host_name(connection.host, connection.port))
            if ask_changed is None or error.hostname not in target:  # not a jump host's, whatever was replaced
                raise
            connection = Connection(host, config=config)
            for hop in _hops(connection):
                _prepare(hop, ask, timeout_s, ask_changed=ask_changed if hop is connection else None)
            connection.open()
    except BadHostKeyException as error:
        name = names.get(error.hostname, error.hostname)
        raise NodeUnreachable(
            f"{node}: the host key of {name} has CHANGED: it is {error.key.fingerprint} now",
            hint=f"if the machine was replaced: ssh-keygen -R '{name}'",
        ) from None
    except PasswordRequiredException:
        raise NodeUnreachable(f"{node}: the SSH key needs its passphrase", hint="ssh-add, then again") from None
    except (_HostKeyRefused, PcmkHaError) as error:
        raise NodeUnreachable(f"{node}: {error}", hint=error.hint) from None
    except (SSHException, OSError, EOFError, ValueError) as error:
        if isinstance(error, AuthenticationException) or "key, expected" in str(error):  # paramiko's last try
            raise NodeUnreachable(f"{node}: SSH refused our key", hint=f"ssh-copy-id {host}") from None
        raise NodeUnreachable(f"{node}: {_words(error)}") from None
    connection.transport.set_keepalive(5)
    return SshRunner(node, connection, log=log)


def _hops(connection: Connection) -> Iterator[Connection]:
    """The connection and every jump host before it: Fabric would trust any key of those, too."""
    hop: Any = connection
    while isinstance(hop, Connection):
        yield hop
        hop = hop.gateway


def _prepare(hop: Connection, ask: AskHostKey, timeout_s: float, *, ask_changed: AskHostKey | None = None) -> str:
    """Have a connection verify the host's key, end in time, and pass over key files that do not exist.

    With `ask_changed` whatever key comes is asked about. Returns what known_hosts calls the host.
    """
    alias = hop.ssh_config.get("hostkeyalias", "")
    name = host_name(hop.host, hop.port, alias)
    files = _known_hosts_files(hop)
    keys = [key for file in files for key in find_keys(_text_of(file), name)]
    for key in keys:
        if not key.revoked and ask_changed is None:
            _trust(hop, host_name(hop.host, hop.port), key)
    own = files[0] if files else None
    if ask_changed:
        hop.client.set_missing_host_key_policy(_ChangedKeyPolicy(ask_changed, name, keys, files[:-1]))
    else:
        hop.client.set_missing_host_key_policy(_Policy(ask, name, {k.base64 for k in keys if k.revoked}, own))
    hop.connect_timeout = max(1, int(timeout_s))
    hop.connect_kwargs.setdefault("banner_timeout", timeout_s)
    hop.connect_kwargs.setdefault("auth_timeout", max(timeout_s, 5))
    named = hop.connect_kwargs.get("key_filename") or []
    hop.connect_kwargs["key_filename"] = [file for file in named if Path(file).expanduser().is_file()]
    return name


def _trust(hop: Connection, name: str, key: KnownKey) -> None:
    with contextlib.suppress(SSHException, UnknownKeyType, ValueError):  # damaged, or none paramiko can read
        known = paramiko.PKey.from_type_string(key.type, base64.b64decode(key.base64))
        hop.client.get_host_keys().add(name, known.get_name(), known)


def _known_hosts_files(hop: Connection) -> list[Path]:
    """Return the files ssh(1) would look at; a newly trusted key is written to the first."""
    named = hop.ssh_config.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
    own = [Path(name).expanduser() for name in named.split() if name != "none"]
    return [*own, Path("/etc/ssh/ssh_known_hosts")] if own else []


def _text_of(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""


def _remember(file: Path, name: str, key: KnownKey) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = new_line(_text_of(file), name, key)
    with file.open("a") as known:
        known.write(line)


def _forget(file: Path, name: str) -> None:
    """Take a host out of a known_hosts file; ssh-keygen(1) keeps the old file beside it."""
    if file.exists():
        subprocess.run(("ssh-keygen", "-q", "-R", name, "-f", str(file)), capture_output=True, timeout=30, check=False)


def _words(error: BaseException) -> str:
    """Say what happened without the class names of a library."""
    if isinstance(error, TimeoutError):
        return "no answer"
    text = str(error) or type(error).__name__
    return getattr(error, "strerror", None) or text
