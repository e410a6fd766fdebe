"""The writing process: one row a commit, as fast as it is answered but not faster than asked.

It runs where a client would (in a lab: inside its network), so that it sees what a client sees. It is told what
to do by one line of JSON on standard input, and ends when that is closed; every acknowledgement is a line of
JSON on standard output, the last line is what it found in the table.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import psycopg

PREPARE = (
    "CREATE SCHEMA IF NOT EXISTS pcmk_ha",
    "CREATE TABLE IF NOT EXISTS pcmk_ha.ledger (run text, seq bigint, at timestamptz DEFAULT clock_timestamp())",
)
INSERT = "INSERT INTO pcmk_ha.ledger (run, seq) VALUES (%s, %s)"
PAUSE_S = 0.05  # after an error: a refused connection is answered at once


def say(**values: Any) -> None:
    """Print one line of JSON."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


class Writer:
    """Writes until it is told to stop."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self._conninfo: str = orders["conninfo"]
        self._password: str = orders["password"]
        self._run: str = orders["run"]
        self._every_s: float = orders["every_s"]
        self._stop = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None
        self._seq = 0

    def stop(self) -> None:
        """Have the loop end after the write under way."""
        self._stop.set()

    def loop(self) -> None:
        """Write and report until told to stop."""
        say(began=time.monotonic())
        while not self._stop.is_set():
            begin = time.monotonic()
            self._write_one()
            self._stop.wait(max(0.0, self._every_s - (time.monotonic() - begin)))
        say(ended=time.monotonic())

    def _write_one(self) -> None:
        sent = False
        try:
            connection = self._connect()
            self._seq += 1
            sent = True
            connection.execute(INSERT, (self._run, self._seq))
            say(ack=self._seq, at=time.monotonic())
        except psycopg.Error as error:
            if sent:
                say(doubt=self._seq, why=str(error).splitlines()[0] if str(error) else "")
            self._drop()
            self._stop.wait(PAUSE_S)

    def _connect(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, password=self._password, autocommit=True)
            for statement in PREPARE if self._seq == 0 else ():
                self._connection.execute(statement)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def report(self, patience_s: float) -> None:
        """Say which rows are in the table, trying until the service answers."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                rows = self._connect().execute("SELECT seq FROM pcmk_ha.ledger WHERE run = %s", (self._run,)).fetchall()
            except psycopg.Error as error:
                self._drop()
                if time.monotonic() > deadline:
                    say(error=str(error))
                    return
                time.sleep(PAUSE_S)
            else:
                say(found=[row[0] for row in rows])
                return


def main() -> None:
    """Take the orders, write until standard input is closed, report."""
    orders = json.loads(sys.stdin.readline())
    writer = Writer(orders)

    def wait_for_end() -> None:
        sys.stdin.read()
        writer.stop()

    threading.Thread(target=wait_for_end, daemon=True).start()
    writer.loop()
    writer.report(orders["patience_s"])


if __name__ == "__main__":
    main()
