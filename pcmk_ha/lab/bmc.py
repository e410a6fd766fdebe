"""A node's baseboard management controller: real IPMI over LAN, so that the stock fence_ipmilan fences it.

One process for each: two of pyghmi's controllers in one process never answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyghmi.ipmi.bmc import Bmc

from pcmk_ha.lab.control import ask
from pcmk_ha.lab.spec import BMC_USER

OK, REFUSED = 0x00, 0xD5  # IPMI completion codes: done; cannot be done in the present state


class NodeBmc(Bmc):  # type: ignore[misc]
    """Forwards IPMI chassis commands to the supervisor, which holds the node's power."""

    def __init__(self, address: str, *, password: str, socket: Path, node: str) -> None:
        super().__init__({BMC_USER: password}, address=address, port=623)
        self._socket = socket
        self._node = node

    def _power(self, verb: str) -> str:
        answer = ask(self._socket, {"verb": "power", "node": self._node, "to": verb, "by": "bmc"})
        return str(answer["power"])

    def get_power_state(self) -> str:
        """Answer `Get Chassis Status`."""
        return self._power("status")

    def power_off(self) -> int:
        """Cut the power; the answer goes out only when no process of the node is left."""
        self._power("off")
        return OK

    def power_on(self) -> int:
        """Boot the node from its own disk."""
        self._power("on")
        return OK

    def power_reset(self) -> int:
        """Cut the power and boot again."""
        self._power("reset")
        return OK

    def power_cycle(self) -> int:
        """Do the same as a reset: there is no hardware to rest in between."""
        return self.power_reset()

    def power_shutdown(self) -> int:
        """Refuse: a lab node has no ACPI."""
        return REFUSED


def main(socket: str, node: str, address: str, password_file: str) -> None:
    """Serve until the process is ended."""
    password = Path(password_file).read_text().strip()
    NodeBmc(address, password=password, socket=Path(socket), node=node).listen()


if __name__ == "__main__":
    main(*sys.argv[1:])
