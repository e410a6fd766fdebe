"""A running PostgreSQL on its own node, asked over its socket as its own superuser."""

from __future__ import annotations

from pcmk_ha.cib.resources import SERVER
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.parts.node import put_file
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan.facts import Setting
from pcmk_ha.remote.runner import Runner

CHECKPOINT_S = 1800  # a cache of many gigabytes on a slow disk; nothing is out of service meanwhile
SETTINGS = "SELECT name, context, pending_restart, coalesce(sourcefile, '') FROM pg_settings"
LOADED = "SELECT extract(epoch FROM pg_conf_load_time())"
PENDING = "SELECT count(*) FROM pg_settings WHERE pending_restart"
BAD_RULES = "SELECT line_number || ': ' || error FROM pg_hba_file_rules WHERE error IS NOT NULL"


def ask_server(runner: Runner, desired: Desired, query: str, *, port: str = "") -> str:
    """Return the answer to a query, unaligned; empty where the server does not answer.

    `port` is for a server that still listens on another one than the file wants.
    """
    outcome = runner.run(server_query(desired, query, port=port), ok=None)
    return outcome.stdout.strip() if outcome.status == 0 else ""


def server_query(desired: Desired, query: str, *, port: str = "") -> tuple[str, ...]:
    """Return the command that asks it."""
    return _psql(desired.cluster, query, port=port, program=f"{desired.programs}/psql")


def _psql(cluster: Cluster, query: str, *, port: str = "", program: str = "psql") -> tuple[str, ...]:
    at = port or str(cluster.postgresql.port)
    psql = ("env", "-C", "/", program, "-X", "-A", "-t", "-h", "/run/postgresql", "-p", at, "-c", query)
    return ("runuser", "-u", "postgres", "--", *psql)


def checkpoint(runner: Runner, cluster: Cluster) -> None:
    """Have the server write out what is dirty, as fast as it can; raises CommandFailed when it does not."""
    runner.run(_psql(cluster, "CHECKPOINT"), timeout=CHECKPOINT_S)


def parameters_path(desired: Desired) -> str:
    """Return where our parameters stand on the mounted volume."""
    return next(file.path for file in desired.volume_files if file.path.endswith("conf.d/pcmk-ha.conf"))


def postmaster_file(desired: Desired) -> str:
    """Return where a server that runs says how it is reached."""
    return f"{desired.data_directory}/postmaster.pid"


def parse_port(postmaster: str) -> str:
    """Return the port the server listens on now, whatever the files say; empty where it does not run."""
    lines = postmaster.splitlines()
    return lines[3].strip() if len(lines) > 3 else ""


def _running_port(runner: Runner, desired: Desired) -> str:
    return parse_port(runner.read(postmaster_file(desired)) or "")


def parse_settings(text: str) -> dict[str, Setting]:
    """Read every parameter the server knows; empty where it did not answer."""
    lines = (line.split("|") for line in text.strip().splitlines())
    return {f[0]: Setting(f[1], f[2] == "t", f[3]) for f in lines if len(f) == 4}


def written_query(desired: Desired) -> tuple[str, ...]:
    """Return the command that says when our files of the server were last written."""
    return ("stat", "-c", "%Y", *(file.path for file in desired.volume_files))


def is_loaded(loaded: str, written: str) -> bool:
    """Whether the server loaded its configuration after our files were last written; yes where it does not answer."""
    return not loaded.strip() or all(float(loaded) >= int(time) for time in written.split())


def write_server_files(runner: Runner, desired: Desired, paths: tuple[str, ...]) -> None:
    """Put the server's files in place; one that it could not start with is taken back: a failover may come.

    Raises PcmkHaError, with what the server says about it.
    """
    before = {path: runner.read(path) for path in paths}
    files = [file for file in desired.volume_files if file.path in paths]
    port = _running_port(runner, desired)
    written = runner.run(written_query(desired), ok=(0, 1)).stdout
    had_read = is_loaded(ask_server(runner, desired, LOADED, port=port), written)
    for file in files:
        put_file(runner, file)
    if not (wrong := _what_is_wrong(runner, desired, port)):
        return
    for file in files:
        if (old := before[file.path]) is not None:
            runner.put(file.path, old, mode=file.mode, owner=file.owner)
    if had_read:  # they are newer than that now, and could hold anything
        reload_server(runner, desired)
    raise PcmkHaError(f"PostgreSQL would not start with this: {wrong}", hint="the files are as they were before")


def _what_is_wrong(runner: Runner, desired: Desired, port: str) -> str:
    """Have the server's own program read its configuration, as a start would; empty when it is good."""
    program = f"{desired.programs}/postgres"
    # Any parameter will do: the whole configuration is read and checked before it is printed.
    check = ("env", "-C", "/", program, "-D", desired.data_directory, "-C", "port")
    outcome = runner.run(("runuser", "-u", "postgres", "--", *check), ok=None)
    if outcome.status != 0:
        return "; ".join(line.strip() for line in outcome.stderr.splitlines() if line.strip()) or "no reason given"
    return "; ".join(f"pg_hba.conf:{line}" for line in ask_server(runner, desired, BAD_RULES, port=port).splitlines())


def reload_server(runner: Runner, desired: Desired) -> None:
    """Have the server read its files again; what needs a restart is shown by `pg_settings.pending_restart`."""
    port = _running_port(runner, desired)
    before = ask_server(runner, desired, LOADED, port=port)
    ask_server(runner, desired, "SELECT pg_reload_conf()", port=port)
    if before:
        wait_until(
            lambda: ask_server(runner, desired, LOADED, port=port),
            lambda now: now != before,
            what=f"{runner.node}: PostgreSQL reading its files again",
            timeout_s=15,
            every_s=0.2,
        )


def restart_server(runner: Runner, desired: Desired) -> None:
    """Have Pacemaker restart the server, unless what waited for that came about already."""
    timeouts = desired.cluster.timeouts
    limit = timeouts.stop_s + timeouts.start_s
    runner.run(("crm_resource", "--wait", f"--timeout={limit}s"), timeout=limit + 30)
    if ask_server(runner, desired, PENDING, port=_running_port(runner, desired)) == "0":
        return
    argv = ("crm_resource", "--resource", SERVER, "--restart", f"--timeout={limit}s")
    runner.run(argv, timeout=limit + 30)
