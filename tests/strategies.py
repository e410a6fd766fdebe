"""Valid cluster files over the whole model space, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

AGENTS: dict[str, dict[str, Any]] = {
    "fence_ipmilan": {"username": "admin", "password": {"env": "P"}},
    "fence_redfish": {"username": "admin", "password": {"env": "P"}, "systems_uri": "/redfish/v1/Systems/1"},
    "fence_virsh": {"username": "root", "identity_file": "/root/.ssh/fence"},
    "fence_vbox": {"username": "me", "password": {"file": "secret"}},
    "fence_pve": {"username": "root@pam", "password": {"env": "P"}},
    "fence_vmware_rest": {"username": "ha@vsphere.local", "password": {"env": "P"}},
}
NAMES = st.sampled_from([("node1", "node2", "arbiter"), ("a", "b", "c"), ("db-left", "db-right", "q0")])
VALUES = st.one_of(st.booleans(), st.integers(0, 10**6), st.sampled_from(["4GB", "it's", "a b", "on", "C:\\x"]))
PARAMETERS = st.dictionaries(
    st.sampled_from(["shared_buffers", "work_mem", "archive_command", "log_statement", "app.setting"]),
    VALUES,
    max_size=3,
)


@st.composite
def clusters(draw: st.DrawFn) -> dict[str, Any]:
    """A cluster file as plain values; every one of them must load."""
    version = draw(st.sampled_from([4, 6]))
    links = draw(st.integers(1, 8))
    names = draw(NAMES)
    agent = draw(st.sampled_from(sorted(AGENTS)))
    second = draw(st.booleans())
    file: dict[str, Any] = {
        "name": draw(st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True)),
        "nodes": [_node(names[i], i, version=version, links=links, agent=agent, second=second) for i in (0, 1)],
        "vip": _address(version, 0, 99),
    }
    if draw(st.booleans()):
        file["arbiter"] = _node(names[2], 2, version=version, links=links, agent=agent, second=False)
        del file["arbiter"]["disk"]
    file |= draw(_extras())
    return file


def _address(version: int, link: int, host: int) -> str:
    return f"10.{link}.0.{host + 11}" if version == 4 else f"fd00:{link}::{host + 11:x}"


def _node(name: str, index: int, *, version: int, links: int, agent: str, second: bool) -> dict[str, Any]:
    first = {"agent": agent, "ip": f"10.99.0.{index + 1}", "plug": name, **AGENTS[agent]}
    if agent in ("fence_ipmilan", "fence_redfish"):
        del first["plug"]
    other = {"agent": "fence_virsh", "ip": "10.98.0.1", "username": "root", "level": 2, "delay_s": index}
    return {
        "name": name,
        "address": _address(version, 0, index),
        "links": [_address(version, link, index) for link in range(links)],
        "disk": f"/dev/vd{'bcd'[index]}",
        "fence": [first, other] if second else first,
    }


@st.composite
def _extras(draw: st.DrawFn) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "drbd": {"resource": draw(st.sampled_from(["pgdata", "r0"])), "minor": draw(st.integers(0, 9)), "port": 7789,
                 "verify": draw(st.sampled_from(["weekly", "monthly", "never"]))},
        "filesystem": {"type": draw(st.sampled_from(["ext4", "xfs"])), "mount_point": "/srv/data"},
        "postgresql": {"port": draw(st.sampled_from([5432, 5433])), "parameters": draw(PARAMETERS),
                       "hba": [{"address": "10.0.0.0/8"}]},
        "stonith": {"action": draw(st.sampled_from(["reboot", "off"])), "timeout_s": draw(st.integers(20, 120))},
        "timeouts": {"token_ms": draw(st.integers(300, 30000))},
        "objectives": {"rto": draw(st.sampled_from(["10s", "500ms", "2min", "1.5 h", 30, 2.5])), "rpo": 0},
        "properties": {"migration_threshold": draw(st.integers(1, 10)), "extra": {"batch-limit": 30}},
        "start_on_boot": draw(st.booleans()),
    }  # fmt: skip
    return {key: value for key, value in optional.items() if draw(st.booleans())}
