"""The secrets file during a rotation: it holds the old and the new value until the new one is in force everywhere."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from pcmk_ha.errors import PcmkHaError, Refused
from pcmk_ha.operate.secrets import GENERATED, generated_secrets, make_secret, secrets_path, write_secrets


def choose_secrets(cluster_path: Path, names: Collection[str]) -> None:
    """Generate new values of those that have none yet, and keep them beside the old ones."""
    found = dict(generated_secrets(cluster_path))
    later = {name: make_secret(name) for name in GENERATED if name in names} | found["next"]
    write_secrets(secrets_path(cluster_path).resolve(), found | {"next": later})


def keep_secrets(cluster_path: Path, names: Collection[str]) -> None:
    """Let new values take the place of the old ones."""
    found = dict(generated_secrets(cluster_path))
    later = found.pop("next")
    found |= {name: value for name, value in later.items() if name in names}
    rest = {name: value for name, value in later.items() if name not in names}
    write_secrets(secrets_path(cluster_path).resolve(), found | ({"next": rest} if rest else {}))


def store_password(path: Path, value: str) -> None:
    """Replace the file a fence password is read from, in one step; its mode loses what lets others read it."""
    path = path.resolve()
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        raise PcmkHaError(f"{path}: {error.strerror}") from None


@contextmanager
def only_run(cluster_path: Path) -> Iterator[None]:
    """Keep a second rotation of the same cluster, on this machine, from running beside this one."""
    with cluster_path.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused("another rotation of this cluster's secrets runs", hint="wait for it to end") from None
        yield
