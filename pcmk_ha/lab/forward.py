"""Doors from 127.0.0.1 into the lab.

A listening socket stays in the namespace it was opened in, so it is opened before the supervisor enters the
lab's own, and what it connects to is inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from pcmk_ha.errors import PcmkHaError


def open_door(wanted: int) -> socket.socket:
    """Listen on 127.0.0.1 in the present namespace, on the wanted port or the next one above that is free.

    The socket itself is handed on, not its number: somebody else could take that in between.
    """
    for port in range(wanted, wanted + 1000):
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise PcmkHaError(f"no free port on 127.0.0.1 from {wanted} on")


async def forward(listener: socket.socket, host: Callable[[], str], port: int) -> asyncio.Server:
    """Pass every connection on to `host`:`port`, as it is then; a client is hung up on when nobody is there."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(host(), port), 5)
        except (OSError, TimeoutError):
            writer.close()
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        for end in (writer, far_writer):
            end.close()

    return await asyncio.start_server(serve, sock=listener)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until the end; what comes the other way goes on, as over a plain connection."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()
