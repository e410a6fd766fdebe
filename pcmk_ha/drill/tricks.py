"""What several scenarios do to nodes: small, and undone by themselves wherever they could stay behind."""

from __future__ import annotations

from contextlib import suppress
from shlex import quote

from pcmk_ha.drill.scenario import Field
from pcmk_ha.errors import NodeUnreachable
from pcmk_ha.operate.moves import placement

DEVICES = {"cluster": "vec0", "replication": "vec1"}  # a lab node's network devices; SSH runs over the first
# Without an accuracy systemd may be a minute late.
LATER = ("systemd-run", "--quiet", "--collect", "--timer-property=AccuracySec=100ms")
COMM_LENGTH = 15  # that much of a process's name the kernel keeps
SETTLE_S = 6  # a write that was under way is answered or given up within that


def clone(field: Field) -> str:
    """Return the id of the promotable clone."""
    return f"{field.cluster.drbd_id}-clone"


def other_data_node(field: Field, node: str) -> str:
    """Return the data node that is not this one."""
    return field.standby if node == field.primary else field.primary


def pid_file(field: Field) -> str:
    """Return the postmaster's pid file as a shell word; the version in its path is whatever is there."""
    given = field.cluster.postgresql.data_directory
    return f"{quote(given) if given else f'{quote(field.cluster.filesystem.mount_point)}/*/main'}/postmaster.pid"


def signal_postmaster(field: Field, node: str, signal: str) -> None:
    """Send the postmaster of a node a signal; raises CommandFailed where none runs."""
    field.run(node, "sh", "-c", f'pid=$(head -n 1 {pid_file(field)}) && kill -{signal} "$pid"')


def sql(field: Field, node: str, statement: str, *, timeout: float = 60) -> str:
    """Have PostgreSQL on a node do something, as superuser; return what it answered."""
    port = str(field.cluster.postgresql.port)
    login = ("runuser", "-u", "postgres", "--", "psql", "-h", "/run/postgresql", "-p", port, "-d", "postgres")
    return field.run(node, *login, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement, timeout=timeout).strip()


def drop_table(field: Field, name: str) -> None:
    """Take a scenario's own table away, on whichever node serves at the end; the other may still be booting."""
    port = field.cluster.postgresql.port
    psql = f"runuser -u postgres -- psql -h /run/postgresql -p {port} -d postgres -qX"
    for node in (field.primary, field.standby):
        with suppress(NodeUnreachable):
            field.shell(node, f"{psql} -c 'DROP TABLE IF EXISTS {name}' 2>/dev/null")


def kill_process(field: Field, node: str, name: str) -> None:
    """Kill the oldest process of that name on a node, without a chance to clean up."""
    field.run(node, "sh", "-c", f'kill -9 "$(pgrep -o -x {name[:COMM_LENGTH]})"')


def boot_id(field: Field, node: str) -> str:
    """Return what names this life of a node."""
    return field.run(node, "cat", "/proc/sys/kernel/random/boot_id").strip()


def await_new_life(field: Field, node: str, life: str, *, timeout_s: float = 120) -> None:
    """Wait until a node has booted since a life of it."""
    field.wait_until(lambda: boot_id(field, node) != life, f"a boot of {node}", timeout_s=timeout_s)


def later(field: Field, node: str, script: str, *, after_s: float) -> None:
    """Have a node do something by itself after a while, whatever becomes of our connection to it."""
    field.run(node, *LATER, f"--on-active={after_s}s", "sh", "-c", script)


def disturb(field: Field, node: str, link: str, how: str, *, heal_after_s: float) -> None:
    """Have what a node sends on a link be lost or late; it heals by its own timer, and at the end.

    It begins half a second later, so that the command itself is still answered.
    """
    device = DEVICES[link]
    heal = f"tc qdisc del dev {device} root 2>/dev/null || true"
    later(field, node, heal, after_s=heal_after_s)
    field.undo(lambda: field.shell(node, heal))
    later(field, node, f"modprobe sch_netem && tc qdisc replace dev {device} root netem {how}", after_s=0.5)
    field.wait(0.5)


def said(field: Field) -> str:
    """Return all that `status` finds now."""
    return " ".join(finding.what for finding in field.status().findings)


def await_said(field: Field, words: str, *, timeout_s: float) -> None:
    """Wait until `status` says something; that it never does is a problem."""
    field.wait_until(lambda: words in said(field), f"`status` saying `{words}`", timeout_s=timeout_s)


def must_stand_still(field: Field, seconds: float, why: str) -> None:
    """See that nothing is acknowledged for a while; what was under way may still end before."""
    field.wait(SETTLE_S)
    before = field.acknowledged()
    field.wait(seconds)
    more = field.acknowledged() - before
    field.expect(more == 0, f"{more} writes were acknowledged although {why}")


def disk_state(field: Field, node: str) -> str:
    """Return what DRBD says of a node's own disk; empty where it cannot be asked."""
    facts = field.status().members.get(node)
    return facts.drbd.disk if facts and facts.drbd else ""


def connection_state(field: Field, node: str) -> str:
    """Return what DRBD says of a node's connection; empty where it cannot be asked."""
    facts = field.status().members.get(node)
    return facts.drbd.connection if facts and facts.drbd else ""


def move(field: Field) -> None:
    """Ask Pacemaker to promote the standby instead; the constraint that this leaves is always cleared."""
    field.undo(lambda: clear(field))
    field.run(field.primary, *placement.prefer(field.cluster, field.standby))


def clear(field: Field) -> None:
    """Clear what a move leaves behind."""
    field.run(field.standby, *placement.FORGET)


def await_served_by(field: Field, node: str, *, timeout_s: float) -> None:
    """Wait until Pacemaker says that the service is up on a node."""

    def is_there() -> bool:
        service = field.status().service
        return service.is_up and service.promoted_on == node

    field.wait_until(is_there, f"the service on {node}", timeout_s=timeout_s)


def replace_pg_ctl(field: Field, node: str, body: str) -> None:
    """Have pg_ctl on a node be a script, until its end or the node's next boot.

    `body` runs first and may exit; then the real program goes on. It knows the verb as `$verb`.
    """
    script = f"""set -e
program=$(ls /usr/lib/postgresql/*/bin/pg_ctl | tail -n 1)
rm -f /run/postgresql/pcmk-ha-drill
cp "$program" "$program.real"
cat > "$program.drill" <<END
#!/bin/sh
verb=
for word in "\\$@"; do case \\$word in start | stop | reload) verb=\\$word ;; esac; done
once() {{ [ ! -e /run/postgresql/pcmk-ha-drill ] && : > /run/postgresql/pcmk-ha-drill; }}
{body.replace("$", chr(92) + "$")}
exec "$program.real" "\\$@"
END
chmod 755 "$program.drill"
mount --bind "$program.drill" "$program"
"""
    field.undo(lambda: field.shell(node, RESTORE_PG_CTL))
    field.run(node, "sh", "-c", script)


RESTORE_PG_CTL = """program=$(ls /usr/lib/postgresql/*/bin/pg_ctl | tail -n 1)
if mountpoint -q "$program"; then umount "$program"; fi
rm -f "$program.real" "$program.drill" /run/postgresql/pcmk-ha-drill"""
