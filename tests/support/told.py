"""What the made up clusters of these tests share: how they end a run, and how programs on their nodes put things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

HEAD = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: DA6B55A41DED5E58CDBAB30 \n"
QUORATE = """Quorum information
------------------
Expected votes:   2
Total votes:      2
Quorate:          Yes
"""


class Killed(BaseException):
    """The program is killed; nothing it would have done on its way out happens."""


def proc_drbd(connection: str, roles: str, disks: str, *, out_of_sync: int = 0) -> str:
    """Return what DRBD 8.4's kernel module prints of a device that is up."""
    return (
        f"{HEAD} 0: cs:{connection} ro:{roles} ds:{disks} C r-----\n"
        f"    ns:60132 nr:1960 dw:108808 dr:60658 al:32 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:{out_of_sync}\n"
    )


def nodes_section(names: Iterable[str], values: Mapping[tuple[str, str], str]) -> str:
    """Return the CIB's nodes with their attributes; `values` by node and name."""
    nodes = (
        f'<node uname="{node}"><instance_attributes>'
        + "".join(f'<nvpair name="{name}" value="{value}"/>' for (at, name), value in values.items() if at == node)
        + "</instance_attributes></node>"
        for node in names
    )
    return f"<nodes>{''.join(nodes)}</nodes>"


def placed(ident: str, role: str, node: str, agent: str = "ocf:x:y") -> str:
    """Return a resource that runs, as crm_mon writes it."""
    return (
        f'<resource id="{ident}" resource_agent="{agent}" role="{role}" active="true" failed="false">'
        f'<node name="{node}"/></resource>'
    )


def crm_mon(dc: str, nodes: str, resources: str, more: str = "") -> str:
    """Return crm_mon's XML of a cluster with quorum."""
    return (
        f'<pacemaker-result><summary><current_dc present="true" name="{dc}" with_quorum="true"/></summary>'
        f"<nodes>{nodes}</nodes><resources>{resources}</resources>{more}</pacemaker-result>"
    )
