"""Which secrets a cluster is known to have: what must not leave in anything that is kept or sent on."""

from __future__ import annotations

import contextlib
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lxml import etree

from pcmk_ha.cib.mask import secrets_in
from pcmk_ha.errors import BadInput
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.model.secret import Secrets, is_secret_name
from pcmk_ha.operate.secrets import (
    GENERATED,
    fence_secrets,
    generated_secrets,
    no_secrets,
    placeholder_secrets,
    secrets_path,
)
from pcmk_ha.remote.parallel import on_all
from pcmk_ha.remote.runner import Runner
from pcmk_ha.scrub.scrubber import Scrubber


def known_secrets(cluster: Cluster, path: Path) -> Secrets:
    """Return the secrets that can be read here: a cluster in trouble is looked at without the others."""
    found = no_secrets(cluster, path)
    with contextlib.suppress(BadInput):
        found = fence_secrets(cluster, path)
    if secrets_path(path).exists():
        with contextlib.suppress(BadInput):
            return Secrets(**generated_secrets(path), fence=found.fence)
    return found


def scrubber_for(cluster: Cluster, secrets: Secrets, cibs: Iterable[str] = ()) -> Scrubber:
    """Return what takes a cluster's secrets out: those we know, and the logins of fence devices in live CIBs."""
    unknown = set(_values(placeholder_secrets(cluster)))
    values = {*_values(secrets), *_literal(cluster)} - unknown
    for cib in cibs:
        with contextlib.suppress(etree.XMLSyntaxError):
            values |= secrets_in(etree.fromstring(cib.encode()))
    keys = {secrets.authkey, secrets.next.get("authkey", "")} - unknown - {""}
    return Scrubber.knowing(values, [b64decode(key) for key in keys])


def live_cibs(nodes: Mapping[str, Runner]) -> list[str]:
    """Return every member's configuration as it runs, with the logins of devices in it that are not ours."""
    found = on_all(nodes, lambda runner: runner.run(("cibadmin", "--query"), ok=None).stdout)
    return [cib for cib in found.values() if isinstance(cib, str)]


def _values(secrets: Secrets) -> Iterator[str]:
    yield from (secrets.authkey, secrets.drbd, secrets.superuser, secrets.application)
    yield from secrets.fence.values()
    yield from secrets.next.values()


def _literal(cluster: Cluster) -> Iterator[str]:
    """Secrets that stand in the cluster file itself, where they should not."""
    given = [device.parameters for node in cluster.members for device in node.fence_devices]
    for parameters in (cluster.stonith.parameters, *given):
        for name, value in parameters.items():
            if is_secret_name(name) and isinstance(value, str):
                yield value


def not_at_hand(cluster: Cluster, secrets: Secrets) -> list[str]:
    """Name the secrets whose values could not be read here."""
    stand_in = placeholder_secrets(cluster)
    found = [name for name in GENERATED if getattr(secrets, name) == getattr(stand_in, name)]
    fence = sorted({node for (node, *_), value in secrets.fence.items() if value in stand_in.fence.values()})
    return [*found, *(f"the fence device of {node}" for node in fence)]
