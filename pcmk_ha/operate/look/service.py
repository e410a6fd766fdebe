"""Where the service is: the few facts of crm_mon that say whether clients are served."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from pcmk_ha.cib.names import HEAD_START_AGENT
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.runner import Runner

CRM_MON = ("crm_mon", "--output-as=xml", "--one-shot", "--inactive")


@dataclass(frozen=True)
class Service:
    """Pacemaker's own view of the service; empty strings where a resource runs nowhere."""

    dc: str = ""
    quorate: bool = False
    online: tuple[str, ...] = ()
    promoted_on: str = ""
    unpromoted_on: tuple[str, ...] = ()
    database_on: str = ""
    vip_on: str = ""
    devices: int = 0  # STONITH devices started
    wanted_devices: int = 0
    volume_on: str = ""  # where the file system is mounted

    @property
    def is_up(self) -> bool:
        """Clients are served: database and VIP on the promoted node."""
        return bool(self.promoted_on) and self.promoted_on == self.database_on == self.vip_on

    @property
    def is_serving(self) -> bool:
        """Clients are served and every STONITH device runs."""
        return self.is_up and self.quorate and self.devices >= self.wanted_devices > 0


def look_at_service(runner: Runner, cluster: Cluster) -> Service:
    """Ask one member; an empty Service where Pacemaker does not answer."""
    outcome = runner.run(CRM_MON, ok=None)
    return parse_service(outcome.stdout, cluster) if outcome.status == 0 else Service()


def parse_service(text: str, cluster: Cluster) -> Service:
    """Read crm_mon's XML (Pacemaker 2.1 and 3.0)."""
    root = etree.fromstring(text.encode())
    dc = root.find("summary/current_dc")
    has_dc = dc is not None and dc.get("present") == "true"
    drbd = _placed(root, cluster.drbd_id)
    roles = dict(drbd)
    devices = [r for r in root.iter("resource") if _switches_off(str(r.get("resource_agent")))]
    return Service(
        dc=(dc.get("name") or "") if has_dc and dc is not None else "",
        quorate=has_dc and dc is not None and dc.get("with_quorum") == "true",
        online=tuple(
            str(n.get("name")) for n in root.findall("nodes/node[@online='true']") if n.get("pending") == "false"
        ),
        promoted_on=next((node for node, role in roles.items() if role in ("Promoted", "Master")), ""),
        unpromoted_on=tuple(node for node, role in roles.items() if role in ("Unpromoted", "Slave")),
        database_on=_started_on(root, "pg_server"),
        vip_on=_started_on(root, "pg_vip"),
        devices=sum(1 for device in devices if device.get("role") == "Started" and device.get("failed") == "false"),
        wanted_devices=sum(len(node.fence_devices) for node in cluster.members),
        volume_on=_started_on(root, "pg_fs"),
    )


def _switches_off(agent: str) -> bool:
    """The head start's device is none that a node is lost without."""
    return agent.startswith("stonith:") and agent != f"stonith:{HEAD_START_AGENT}"


def _placed(root: etree._Element, resource: str) -> list[tuple[str, str]]:
    """Node and role of every running instance without a pending or failed action."""
    return [
        (str(node.get("name")), str(found.get("role")))
        for found in root.iterfind(f"resources//resource[@id='{resource}']")
        if found.get("failed") == "false" and not found.get("pending")
        for node in found.iterfind("node")
    ]


def _started_on(root: etree._Element, resource: str) -> str:
    return next((node for node, role in _placed(root, resource) if role == "Started"), "")
