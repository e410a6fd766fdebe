"""A secret in the cluster file is a reference; the values are kept apart and never printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class EnvSecret(BaseModel):
    """The value of an environment variable of the process that runs pcmk-ha."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    env: Annotated[str, Field(min_length=1, description="Name of an environment variable.")]


class FileSecret(BaseModel):
    """The first line of a file; a relative path counts from the cluster file's directory."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: Annotated[str, Field(min_length=1, description="Path of a file that holds only the secret.")]


SecretRef = EnvSecret | FileSecret

# Parts of the names that fence agents give to what must not be seen.
WORDS = ("passw", "secret", "token", "private", "community", "_kg")
HARMLESS = ("script", "_name")  # a program that prints the password, the name of a token


def is_secret_name(name: str) -> bool:
    """Tell whether a parameter's name says that its value is a secret."""
    lower = name.lower()
    return any(word in lower for word in WORDS) and not any(word in lower for word in HARMLESS)


@dataclass(frozen=True)
class Secrets:
    """Resolved secret values; never printed (repr is empty), never part of an argv."""

    authkey: str = field(repr=False)  # base64 of the 128 random bytes of /etc/corosync/authkey
    drbd: str = field(repr=False)  # DRBD shared-secret
    superuser: str = field(repr=False)  # password of PostgreSQL's `postgres`
    application: str = field(repr=False)  # password of postgresql.user
    fence: Mapping[tuple[str, int, str], str] = field(repr=False, default_factory=dict)
    # (node name, index of its device, parameter) -> value, for every SecretRef in fence and stonith parameters
    # What a rotation that has not ended yet replaces one of the first four with, by their names.
    next: Mapping[str, str] = field(repr=False, default_factory=dict)

    def with_next(self, *names: str) -> Secrets:
        """Return them as they will be when the rotation of these, of all without a name, has ended."""
        taken = {name: value for name, value in self.next.items() if not names or name in names}
        rest = {name: value for name, value in self.next.items() if name not in taken}
        return Secrets(**{**vars(self), **taken, "next": rest})
