"""A cluster that serves, as two fake nodes that answer what real ones would: enough for a look at everything."""

from __future__ import annotations

from dataclasses import replace

from support.fake_node import FakeNode
from support.files import HERE

from pcmk_ha.desired.hosts import hosts_block
from pcmk_ha.desired.names import PACEMAKERS_OWN, RUNNING_UNITS, VERIFY_TIMER
from pcmk_ha.desired.postgresql import parameters
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.operate.change.applied import RECORD
from pcmk_ha.operate.look.service import Service
from pcmk_ha.operate.moves.foresee import MARK
from pcmk_ha.plan.corosync import flatten
from pcmk_ha.plan.record import make_record, to_json

POSTMASTER = ("shared_buffers", "port", "max_connections")
RUN = dict.fromkeys((*RUNNING_UNITS, VERIFY_TIMER), "enabled")
UNITS = {**RUN, **dict.fromkeys(PACEMAKERS_OWN, "disabled")}

NOTHING = "<actions/>"
UP = Service("node1", True, ("node1", "node2"), "node1", ("node2",), "node1", "node1", 2, 2)  # as a look finds it


def serving(desired: Desired, cib: str = "", simulated: str = NOTHING) -> dict[str, FakeNode]:
    """Return both nodes of a cluster that was built from `desired`; node1 serves."""
    return {node.name: _node(desired, node.name, cib or desired.cib, simulated) for node in desired.cluster.nodes}


def _node(desired: Desired, name: str, cib: str, simulated: str) -> FakeNode:
    volume = desired.volume_files if name == "node1" else ()
    files = {f.path: f for f in (*desired.files[name], *volume)}
    conf = next(f.content for f in desired.files[name] if f.path.endswith("corosync.conf"))
    answers = {
        "dpkg-query": "".join(f"{package} installed\n" for package in desired.packages[name]),
        "sha256sum": lambda _stdin: "".join(f"{f.digest}  {f.path}\n" for f in files.values()),
        "stat -c %a %U:%G %n": "".join(f"{f.mode:o} {f.owner} {f.path}\n" for f in files.values()),
        "stat -c %Y": "100\n",
        "systemctl show": "\n\n".join(
            f"Id={unit}\nUnitFileState={state}\nActiveState={'active' if state == 'enabled' else 'inactive'}"
            for unit, state in UNITS.items()
        ),
        "systemctl is-active": (3, "inactive\n", ""),
        "nft": (1, "", ""),
        "corosync-cmapctl": "".join(f"{key} (str) = {value}\n" for key, value in flatten(conf).items()),
        "hostname -I": " ".join(str(node.address) for node in desired.cluster.members if node.name == name),
        "wipefs --no-act --json": '{"signatures": [{"type": "drbd"}]}',
        "drbdadm sh-resources": f"{desired.cluster.drbd.resource}\n",
        "drbdadm role": "Primary/Secondary\n" if name == "node1" else "Secondary/Primary\n",
        "drbdadm cstate": "Connected\n",
        "drbdadm dstate": "UpToDate/UpToDate\n",
        "drbdadm get-gi": "8A0C3D4E5F607182:0:0:0:1:1:0:1:0:0\n",
        "drbdadm --dry-run adjust": "",
        "crm_mon": (HERE / "outputs/crm_mon/healthy-3.0.0.xml").read_text(),
        "cibadmin --query": cib,
        "crm_verify -V --xml-pipe": "",
        "sh -c": lambda stdin: f"{simulated if stdin else NOTHING}{MARK}{MARK}",
        "runuser": (2, "", "a query nobody foresaw"),
    }
    node = FakeNode(name, answers, files=_texts(desired, name, files))  # type: ignore[arg-type]
    program = f"/usr/lib/postgresql/{desired.postgresql_version}/bin/psql"
    port = desired.cluster.postgresql.port
    asked = f"runuser -u postgres -- env -C / {program} -X -A -t -h /run/postgresql -p {port} -c"
    node.answer(f"{asked} SELECT name,", _settings(desired))
    node.answer(f"{asked} SELECT extract(epoch FROM pg_conf_load_time())", "200.5\n")
    return node


def _texts(desired: Desired, name: str, files: dict[str, File]) -> dict[str, str]:
    record = replace(make_record(desired, name), generation=3)
    port = desired.cluster.postgresql.port
    texts = {path: file.content for path, file in files.items()}
    texts |= {"/etc/hosts": hosts_block(desired.cluster), RECORD: to_json(record)}
    if name == "node1":
        texts[f"{desired.data_directory}/postmaster.pid"] = f"812\nx\n1\n{port}\n/run/postgresql\n*\n"
    return texts


def _settings(desired: Desired) -> str:
    names = dict.fromkeys(
        [*parameters(desired.cluster, desired.postgresql_version), "work_mem", "shared_buffers", "primary_conninfo"]
    )
    return "".join(f"{name}|{'postmaster' if name in POSTMASTER else 'sighup'}|f|\n" for name in names)
