"""The writing process: clients as applications are, each with a thread and connections of its own.

It runs where clients would (in a lab: inside its network), so that it sees what they see. It is told what to do
by one line of JSON on standard input, and ends when that is closed; everything that happens to a client is a line
of JSON on standard output, and the last ones say which of its rows are in the table.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg

from pcmk_ha.client.clock import now

PREPARE = (
    "CREATE SCHEMA IF NOT EXISTS pcmk_ha",
    "CREATE TABLE IF NOT EXISTS pcmk_ha.ledger (run text, seq bigint, at timestamptz DEFAULT clock_timestamp())",
)
INSERT = "INSERT INTO pcmk_ha.ledger (run, seq) VALUES (%s, %s)"
FORGET = "DELETE FROM pcmk_ha.ledger WHERE run = %s"
FOUND = "SELECT seq FROM pcmk_ha.ledger WHERE run = %s"
# Who answers: the server's own host name, when its postmaster started, its timeline.
WHO = (
    "SELECT trim(pg_read_file('/etc/hostname'), E' \\n'), pg_postmaster_start_time()::text, timeline_id "
    "FROM pg_control_checkpoint()"
)
# After an error: each refusal costs a starting server a process, so that who asks more often waits longer.
PAUSE_S = 0.2
LOOK_S = 0.1
SPEECH = threading.Lock()


def say(client: str, **values: Any) -> None:
    """Print one line of JSON."""
    with SPEECH:
        sys.stdout.write(json.dumps({"client": client, **values}) + "\n")
        sys.stdout.flush()


class Client(threading.Thread):
    """Writes a row, waits for the answer, writes the next, until it is told to stop."""

    def __init__(self, wanted: dict[str, Any], orders: dict[str, Any], stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._client: str = wanted["name"]
        self._conninfo: str = wanted["conninfo"]
        self._fresh: bool = wanted["fresh"]
        self._deadline_s: float = wanted["deadline_s"]
        self._password: str = orders["password"]
        self._rows: str = f"{orders['run']}/{self._client}"
        self._every_s: float = wanted["every_s"]
        self._until = stop
        self._connection: psycopg.Connection[Any] | None = None
        self._seq = 0
        self._waits_since = 0.0  # 0: not waiting for an answer

    def run(self) -> None:
        """Write and report until told to stop."""
        say(self._client, began=now())
        while not self._until.is_set():
            begin = time.monotonic()
            self._write_one()
            self._until.wait(max(0.0, self._every_s - (time.monotonic() - begin)))
        say(self._client, ended=now())

    @property
    def latest(self) -> int:
        """The number of the row sent last."""
        return self._seq

    def hang_up_if_late(self) -> None:
        """End a connection whose answer does not come in time, as an application's own time-out would."""
        connection, since = self._connection, self._waits_since
        late = since and self._deadline_s and time.monotonic() - since > self._deadline_s
        if not late or connection is None:
            return
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    def _write_one(self) -> None:
        sent = False
        try:
            connection = self._connect()
            self._seq += 1
            sent = True
            self._waits_since = time.monotonic()
            connection.execute(INSERT, (self._rows, self._seq))
            say(self._client, ack=self._seq, at=now())
        except psycopg.Error as error:
            if sent:
                say(self._client, doubt=self._seq, at=now(), why=_first_line(error))
            self._drop()
            self._until.wait(PAUSE_S)
        finally:
            self._waits_since = 0.0
            if self._fresh:
                self._drop()

    def _connect(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, password=self._password, autocommit=True)
            self._waits_since = time.monotonic()
            row = self._connection.execute(WHO).fetchone()
            if row:
                say(self._client, node=row[0], instance=row[1], timeline=row[2], at=now())
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def prepare(self) -> None:
        """Make the table; raises psycopg.Error while there is no service."""
        for statement in PREPARE:
            self._connect().execute(statement)

    def report(self, patience_s: float) -> None:
        """Say which rows are in the table, trying until the service answers; then they have done their part and go."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                rows = self._connect().execute(FOUND, (self._rows,)).fetchall()
            except psycopg.Error as error:
                self._drop()
                if time.monotonic() > deadline:
                    say(self._client, error=_first_line(error))
                    return
                time.sleep(PAUSE_S)
            else:
                say(self._client, found=[row[0] for row in rows])
                with contextlib.suppress(psycopg.Error):
                    self._connect().execute(FORGET, (self._rows,))
                self._drop()
                return


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def watch(clients: Sequence[Client]) -> None:
    """Hang up for whoever waits too long, for ever."""
    while True:
        time.sleep(LOOK_S)
        for client in clients:
            client.hang_up_if_late()


def begin(clients: Sequence[Client], stop: threading.Event) -> None:
    """Make the table as soon as there is a service, then start every client."""
    while clients and not stop.is_set():
        try:
            clients[0].prepare()
            break
        except psycopg.Error:
            stop.wait(PAUSE_S)
    for client in clients:
        client.start()


def main() -> None:
    """Take the orders, write until standard input is closed, report."""
    orders = json.loads(sys.stdin.readline())
    stop = threading.Event()
    clients = [Client(wanted, orders, stop) for wanted in orders["clients"]]
    threading.Thread(target=watch, args=(clients,), daemon=True).start()
    threading.Thread(target=begin, args=(clients, stop), daemon=True).start()
    sys.stdin.read()
    stop.set()
    reader = {**orders["clients"][0], "fresh": False}
    for client, wanted in zip(clients, orders["clients"], strict=True):
        if client.ident is not None:
            client.join(orders["join_s"])
        if client.is_alive():
            say(wanted["name"], ended=now(), doubt=client.latest)  # it waits for ever: what it sent may be there
        Client({**reader, "name": wanted["name"]}, orders, stop).report(orders["patience_s"])


if __name__ == "__main__":
    main()
