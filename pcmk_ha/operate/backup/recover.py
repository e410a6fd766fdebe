"""Recovery outside the agent: a server of its own on the draft, which nobody else reaches, until it has ended."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import CommandFailed, PcmkHaError
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.backup import scripts
from pcmk_ha.operate.backup.job import LONGEST_S, Job
from pcmk_ha.operate.backup.place import Place
from pcmk_ha.operate.parts.scram import scram_verifier
from pcmk_ha.operate.parts.volume import MARK
from pcmk_ha.operate.rotate.postgresql import QUIET
from pcmk_ha.operate.tell import Say
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan.restore import Order
from pcmk_ha.remote.runner import Runner

UNIT = "pcmk-ha-recovery.service"
SOCKETS = "pcmk-ha-recovery"  # below /run, for the server's own user alone
FINISH_S = 1800
TARGETS = ("recovery_target", "recovery_target_time", "recovery_target_lsn", "recovery_target_name",
           "recovery_target_xid")  # fmt: skip
# SIGINT is PostgreSQL's fast stop. Two servers share the node's memory now.
PROPERTIES = (
    "User=postgres", "KillSignal=SIGINT", "KillMode=mixed", "TimeoutStopSec=infinity",
    f"RuntimeDirectory={SOCKETS}", "RuntimeDirectoryMode=0700", "WorkingDirectory=/", "Nice=5",
)  # fmt: skip


def server_options(place: Place, order: Order) -> tuple[str, ...]:
    """Return the parameters of the server that recovers; they are over everything its files say.

    No archiver: the WAL of the new timeline waits in pg_wal, marked, until the service archives it. No hot standby: the
    first connection that is taken says that recovery has ended.
    """
    home = place.draft
    values = {
        "data_directory": home, "config_file": f"{home}/postgresql.conf", "hba_file": f"{home}/pg_hba.conf",
        "ident_file": f"{home}/pg_ident.conf", "external_pid_file": "",
        "listen_addresses": "", "unix_socket_directories": f"/run/{SOCKETS}", "unix_socket_permissions": "0700",
        "port": str(place.port),
        "archive_command": "", "archive_library": "", "hot_standby": "off", "recovery_target_action": "promote",
        "logging_collector": "off", "log_destination": "stderr", "ssl": "off", "synchronous_standby_names": "",
        "shared_buffers": "128MB", "huge_pages": "off", "max_wal_size": "128MB",
    }  # fmt: skip
    if order.restore_command:
        values["restore_command"] = order.restore_command
    elif order.kind != "prepared":
        values["restore_command"] = "false"  # what the backup brought along is all there is
    if order.kind != "prepared" or order.target:  # one target at a time: the others are taken back first
        values |= dict.fromkeys(TARGETS, "")
    if order.target:
        name = f"recovery_target_{order.target[0]}"
        values = {key: value for key, value in values.items() if key != name} | {name: order.target[1]}
    return tuple(word for name, value in values.items() for word in ("-c", f"{name}={value}"))


@dataclass(frozen=True)
class Recovery:
    """One draft on the node that has the volume mounted."""

    runner: Runner
    desired: Desired
    secrets: Secrets
    order: Order
    say: Say

    @property
    def place(self) -> Place:
        """Paths."""
        return Place.of(self.desired)

    @property
    def job(self) -> Job:
        """The server's unit."""
        return Job(self.runner, UNIT)

    def run(self) -> None:
        """Recover to the end, or go on with a server that does so already; raises PcmkHaError with its last words."""
        if self.job.is_ending():  # an earlier run had come so far
            self.job.stop()
        if not self.job.is_active():
            self._prepare()
            argv = (f"{self.place.programs}/postgres", "-D", self.place.draft, *server_options(self.place, self.order))
            self.job.start(argv, *PROPERTIES)
        self._await_end()
        self._finish()

    def _prepare(self) -> None:
        place = self.place
        self.runner.run(
            ("sh", "-c", scripts.PREPARE, "prepare", place.mount_point, place.draft, place.data), timeout=3600
        )
        for file in self.desired.volume_files:
            path = place.draft + file.path.removeprefix(place.data)
            self.runner.put(path, file.content, mode=file.mode, owner=file.owner)
        conf = f"{place.draft}/postgresql.conf"
        if self.runner.run(("grep", "-qxF", MARK, conf), ok=(0, 1, 2)).status:
            self.runner.run(("tee", "-a", conf), stdin=f"\n{MARK}\ninclude_dir 'conf.d'\n")
            self.runner.run(("chown", "postgres:postgres", conf))

    def _await_end(self) -> None:
        def look() -> bool:
            if not self.job.is_active():
                raise PcmkHaError(
                    f"{self.runner.node}: recovery ended too early:\n{self.job.last_words()}",
                    hint="the service goes on with the data it has; correct it and run `pcmk-ha restore` again, "
                    "or give it up with --abandon",
                )
            ended = self._ask("SELECT pg_is_in_recovery()") == "f"
            self.say("recovered" if ended else f"recovering: {self.job.last_words(1)}")
            return ended

        wait_until(look, bool, what="the end of recovery", timeout_s=LONGEST_S, every_s=1)

    def _finish(self) -> None:
        """Give the roles the passwords of the secrets file, write everything out, stop the server, look once more."""
        postgresql = self.desired.cluster.postgresql
        roles = (("postgres", self.secrets.superuser), (postgresql.user, self.secrets.application))
        changes = "".join(
            f"SELECT 'ALTER ROLE \"{role}\" PASSWORD ''{scram_verifier(value, os.urandom(16))}''' "  # noqa: S608
            f"FROM pg_roles WHERE rolname = '{role}' \\gexec\n"
            for role, value in roles
        )
        done = self.runner.run(self._psql("-q"), stdin=f"{QUIET}{changes}", ok=None, timeout=120)
        if done.status:
            raise CommandFailed(f"{self.runner.node}: the recovered server did not take the passwords ({done.status})")
        self.runner.run(self._psql("-c", "CHECKPOINT"), timeout=FINISH_S)
        self.job.stop()
        place = self.place
        seal = ("sh", "-c", scripts.SEAL, "seal", place.mount_point, place.draft, place.programs, self.order.id)
        self.runner.run(seal, timeout=300)

    def _ask(self, query: str) -> str:
        return self.runner.run(self._psql("-A", "-t", "-c", query), ok=None).stdout.strip()

    def _psql(self, *options: str) -> tuple[str, ...]:
        at = ("-h", f"/run/{SOCKETS}", "-p", str(self.place.port), "-d", "postgres")
        return (
            "runuser",
            "-u",
            "postgres",
            "--",
            "env",
            "-C",
            "/",
            "psql",
            "-X",
            "-v",
            "ON_ERROR_STOP=1",
            *at,
            *options,
        )
