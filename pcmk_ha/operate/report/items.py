"""What a node is asked for a support bundle. Each answer is bounded on the node, before it travels."""

from __future__ import annotations

from dataclasses import dataclass

from pcmk_ha.model.cluster import Cluster

KIB, MIB = 2**10, 2**20
SCHEDULER = "/var/lib/pacemaker/pengine"
# No answer is shortened to a line's width: of half a secret nobody recognises the rest.
# Of a file: its end, where the failure is. Plain text, whatever holes a power cut left in it.
PACK = "tr -d '\\000' | tail -c \"$1\" | gzip -c | base64 -w0"
CIB = "cibadmin --query 2>/dev/null || cat /var/lib/pacemaker/cib/cib.xml"
DESCRIBE = "uname -a; cat /etc/os-release; date -u; timedatectl; nproc; free -m; df -hT; lsblk"
NETWORK = "ip -s address; ip route; ip neigh; ss -tnpoi; cat /etc/hosts"
UNITS = "corosync pacemaker drbd postgresql chrony systemd-timesyncd ssh"


@dataclass(frozen=True)
class Item:
    """One answer: its path in the bundle, the shell script that prints it, and what it is."""

    path: str
    script: str
    what: str
    limit: int = MIB
    timeout_s: float = 60
    data_node: bool = False  # asked of data nodes only
    packed: bool = False  # the script prints a tar of files for a folder `path`

    def command(self) -> tuple[str, ...]:
        """Return what the node runs; it prints base64 of gzip."""
        pack = "gzip -c | base64 -w0" if self.packed else PACK
        return ("sh", "-c", f"{{ {self.script}\n}} 2>&1 | {pack}", "report", str(self.limit))


def items(cluster: Cluster, *, since: str, inputs: int, journal_mib: int) -> tuple[Item, ...]:
    """Return what every node is asked; `since` is journalctl's word, `inputs` how many scheduler inputs."""
    return (*_logs(since, journal_mib), *_pacemaker(inputs), *_corosync(), *_drbd(), *_postgresql(cluster), *_system())


def _logs(since: str, journal_mib: int) -> tuple[Item, ...]:
    journal = f"journalctl --no-pager --no-hostname -o short-precise --since '{since}'"
    return (
        Item("journal.txt", journal, "the journal, kernel included", journal_mib * MIB, 180),
        Item("boots.txt", "journalctl --list-boots --no-pager", "when this node booted"),
        Item(
            "pacemaker.log", "cat /var/log/pacemaker/pacemaker.log", "Pacemaker's own, more detailed log", 8 * MIB, 120
        ),
    )


def _pacemaker(inputs: int) -> tuple[Item, ...]:
    # Never more than there are, and none that is damaged by size alone: each is some ten KiB.
    newest = f"ls -t | grep '^pe-.*bz2$' | head -n {inputs}"
    return (
        Item("cib.xml", CIB, "the configuration", 8 * MIB),
        Item("crm_mon.txt", "crm_mon -1Arfn", "the cluster as this node sees it"),
        Item("crm_mon.xml", "crm_mon --output-as=xml --one-shot --inactive", "the same for programs"),
        Item("fencing.txt", "stonith_admin --history '*' --verbose", "every fencing since the cluster started"),
        Item(
            "pe-inputs",
            f"cd {SCHEDULER} && [ -n \"$({newest})\" ] && {newest} | tar -cf - -T - 2>/dev/null",
            "what the scheduler decided on; `crm_simulate -Sx FILE` plays one again",
            packed=True,
        ),
        Item("cores.txt", "ls -l /var/lib/pacemaker/cores /var/lib/corosync", "whether a daemon left a core"),
    )  # fmt: skip


def _corosync() -> tuple[Item, ...]:
    return (
        Item("corosync/corosync.conf", "cat /etc/corosync/corosync.conf", "Corosync's configuration"),
        Item(
            "corosync/cmap.txt", "corosync-cmapctl; corosync-cmapctl -m stats", "what Corosync runs, and its counters"
        ),
        Item("corosync/links.txt", "corosync-cfgtool -s; corosync-cfgtool -n", "its links"),
        Item("corosync/quorum.txt", "corosync-quorumtool -si", "votes and quorum"),
        Item("corosync/authkey.txt", "ls -l --full-time /etc/corosync/authkey", "that the key is there; never the key"),
    )


def _drbd() -> tuple[Item, ...]:
    asked = (
        ("drbd/files.txt", "tail -n +1 /etc/drbd.conf /etc/drbd.d/*", "DRBD's files"),
        ("drbd/config.txt", "drbdadm dump all", "the same as DRBD reads them"),
        ("drbd/proc.txt", "cat /proc/drbd; cat /sys/module/drbd/version", "its state and version"),
        ("drbd/status.txt", "drbdadm status; drbdsetup status --verbose --statistics", "its state"),
        ("drbd/generations.txt", "drbdadm show-gi all", "whose data is newer"),
        ("drbd/events.txt", "timeout 5 drbdsetup events2 --now --timestamps", "state as events"),
        ("drbd/adjust.txt", "drbdadm --dry-run adjust all", "what runs otherwise than the files say"),
        ("drbd/kernel.txt", "journalctl -k --no-pager --no-hostname -o short-precise | grep -i drbd", "its messages"),
        ("drbd/handlers.txt", "journalctl --no-pager --no-hostname -o short-precise -t kernel --grep 'helper command'; "
         "journalctl --no-pager --no-hostname -o short-precise --grep 'drbd-(un)?fence-peer'", "fencing handlers"),
    )  # fmt: skip
    return tuple(Item(path, script, what, 2 * MIB, data_node=True) for path, script, what in asked)


def _postgresql(cluster: Cluster) -> tuple[Item, ...]:
    psql = f"runuser -u postgres -- env -C / psql -X -h /run/postgresql -p {cluster.postgresql.port} -P pager=off -c"
    settings = (
        "SELECT name, setting, unit, source, sourcefile, pending_restart FROM pg_settings WHERE source <> 'default'"
    )
    activity = (
        "SELECT pid, usename, datname, client_addr, state, wait_event_type, wait_event, backend_start, xact_start"
    )
    files = (
        f"find {cluster.filesystem.mount_point} -maxdepth 5 \\( -name pg_hba.conf -o -name 'postgresql*.conf' "
        '-o -path \'*/conf.d/*.conf\' \\) | while read -r f; do echo; echo "==> $f"; cat "$f"; done'
    )
    who = f'{psql} "{activity} FROM pg_stat_activity"'
    asked = (
        ("postgresql/server.log", "tail -v -n 20000 /var/log/postgresql/*.log", "what the server wrote", 8 * MIB),
        ("postgresql/settings.txt", f'{psql} "{settings}"', "what it runs with (only where it runs)", MIB),
        ("postgresql/activity.txt", who, "who was connected, without queries", MIB),
        ("postgresql/files.txt", files, "its configuration files", MIB),
    )
    return tuple(Item(path, script, what, limit, data_node=True) for path, script, what, limit in asked)


def _system() -> tuple[Item, ...]:
    packages = "dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'"
    units = (
        f"systemctl --no-pager --failed; systemctl --no-pager --full --lines=0 status {UNITS}; "
        "systemctl --no-pager cat corosync pacemaker"
    )
    basics = (
        "for f in uptime loadavg meminfo vmstat mounts diskstats net/dev net/snmp pressure/cpu pressure/io "
        'pressure/memory cmdline modules; do echo; echo "==> /proc/$f"; cat /proc/$f; done'
    )
    return (
        Item("units.txt", units, "systemd's units"),
        Item("packages.txt", packages, "every package", 4 * MIB),
        Item("system.txt", DESCRIBE, "the system"),
        Item("proc.txt", basics, "load, memory, disks, network counters"),
        Item("processes.txt", "ps axwwo pid,ppid,stat,etime,pcpu,rss,wchan:20,args", "what runs"),
        Item("network.txt", NETWORK, "addresses and connections"),
        Item("firewall.txt", "nft list ruleset; iptables-save", "the firewall"),
    )  # fmt: skip
