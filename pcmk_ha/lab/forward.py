"""Doors from 127.0.0.1 into the lab.

A listening socket stays in the namespace it was opened in, so it is opened before the supervisor enters the
lab's own, and what it connects to is inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from pcmk_ha.errors import PcmkHaError


def listen(port: int) -> socket.socket:
    """Open a listening socket on 127.0.0.1 in the present namespace."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise PcmkHaError(f"127.0.0.1:{port}: {error.strerror}") from None


async def forward(listener: socket.socket, host: str, port: int) -> asyncio.Server:
    """Pass every connection on to `host`:`port`; a client is hung up on when nobody is there."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(host, port), 5)
        except (OSError, TimeoutError):
            writer.close()
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))

    return await asyncio.start_server(serve, sock=listener)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def free_port(wanted: int) -> int:
    """Return the wanted port, or the next one above that is free."""
    for port in range(wanted, wanted + 1000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise PcmkHaError(f"no free port on 127.0.0.1 from {wanted} on")
