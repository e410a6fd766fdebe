"""Fence passwords: proven on the device before the cluster is given them, one device after the other."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from pcmk_ha.cib.stonith import agent_of, device_id, device_parameters
from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import PcmkHaError
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.parts import Node
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.look.service import look_at_service
from pcmk_ha.operate.parts.cluster import push_cib
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.plan.rotation import Device
from pcmk_ha.remote.runner import Runner
from pcmk_ha.scrub.scrubber import Scrubber


def find_devices(cluster: Cluster, live: str, desired: str) -> tuple[Device, ...]:
    """Return every fence device, and whether the cluster has other parameters of it than wanted."""
    have, want = _parameters(live), _parameters(desired)
    return tuple(
        Device(node.name, index, name, differs=any(have.get(name, {}).get(k) != v for k, v in want[name].items()))
        for node in cluster.members
        for index in range(len(node.fence_devices))
        for name in (device_id(node, index),)
    )


def _parameters(cib: str) -> dict[str, dict[str, str]]:
    root = etree.fromstring(cib.encode())
    return {
        str(device.get("id")): {
            str(pair.get("name")): str(pair.get("value")) for pair in device.iterfind("instance_attributes/nvpair")
        }
        for device in root.iterfind(".//primitive[@class='stonith']")
    }


def try_device(nodes: Mapping[str, Runner], cluster: Cluster, secrets: Secrets, target: Node, index: int) -> None:
    """Ask a device for its status with what the file says, from every member that may have to fence its node.

    Raises PcmkHaError, without a secret in it, where it does not answer.
    """
    agent = agent_of(cluster, target.fence_devices[index])
    given = device_parameters(cluster, secrets, target, index)
    scrubber = Scrubber.knowing(secrets.fence.values())
    # On standard input: an argument list can be read by everybody on that node.
    orders = "".join(f"{name}={value}\n" for name, value in given.items()) + "action=status\n"
    for name, runner in nodes.items():
        if name == target.name:
            continue
        done = runner.run((agent,), stdin=orders, ok=None, timeout=60)
        if done.status not in (0, 2):  # 2: off, which is an answer
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["no answer"]
            device = device_id(target, index)
            raise PcmkHaError(
                f"{device} does not take the new password, asked from {name}: {scrubber.text(said[0])}",
                hint="change it on the device first; the cluster still has the old one",
            )


def push_device(runner: Runner, desired: Desired, device: str) -> None:
    """Give the cluster one device's parameters; wait until the fencer has asked it with them.

    `runner` is not the node that the device switches off: the fencer there does not know it.
    """
    push_cib(runner, only_device(desired.cib, device))
    # Its monitor may have failed since the password was changed on the device, often enough to be given up.
    runner.run(("crm_resource", "--cleanup", "--resource", device), ok=None, timeout=60)
    timeout_s = desired.cluster.stonith.timeout_s + 30
    # Other parameters have Pacemaker start it again, and to start a device is to have the fencer ask it.
    runner.run(("crm_resource", "--wait", f"--timeout={timeout_s}s"), timeout=timeout_s + 30)
    wait_until(
        lambda: look_at_service(runner, desired.cluster),
        lambda service: service.devices >= service.wanted_devices,
        what=f"every fence device running, {device} with its new password",
        timeout_s=timeout_s,
        every_s=1,
        hint="`pcmk-ha status` shows the failed action; `pcmk-ha check` asks every device",
        describe=lambda service: f"{service.devices} of {service.wanted_devices} run",
    )


def only_device(cib: str, device: str) -> str:
    """Return a CIB with nothing but one fence device's primitive."""
    root = etree.fromstring(cib.encode())
    for child in root.findall("configuration/*/*"):
        if child.get("id") != device:
            parent = child.getparent()
            assert parent is not None
            parent.remove(child)
    return etree.tostring(root, encoding="unicode")
