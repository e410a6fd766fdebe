"""The changes a rotation of secrets makes, as frozen values without a secret in them."""

from __future__ import annotations

from dataclasses import dataclass

HERE = "here"  # the machine that runs pcmk-ha, where the secrets file is


@dataclass(frozen=True)
class ChooseSecrets:
    """Generate new values and keep them beside those in force."""

    node: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"choose and keep a new value of {', '.join(self.names)}"


@dataclass(frozen=True)
class ReloadKey:
    """Have every Corosync read its new key at the same time, and see that all stay together."""

    node: str

    def __str__(self) -> str:
        return "reload Corosync with the new key, and see all members stay"


@dataclass(frozen=True)
class AwaitPair:
    """Wait until both sides of DRBD run their files, are connected and hold good data."""

    node: str

    def __str__(self) -> str:
        return "see both sides of DRBD connected with the new secret"


@dataclass(frozen=True)
class SetPassword:
    """Give a PostgreSQL role its new password, as a verifier."""

    node: str
    name: str  # of the secret: superuser or application

    def __str__(self) -> str:
        return f"set PostgreSQL's password of the {self.name}"


@dataclass(frozen=True)
class KeepSecrets:
    """Forget the old values: the new ones are in force everywhere, and are what counts as applied."""

    node: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"forget the old value of {', '.join(self.names)}"


@dataclass(frozen=True)
class TryDevice:
    """Log in to a fence device with what it is to be given, from every other member."""

    node: str  # whom it switches off
    index: int
    device: str

    def __str__(self) -> str:
        return f"log in to {self.device} with the new password"


@dataclass(frozen=True)
class StoreFile:
    """Write a password that was typed in into the file the cluster file refers to."""

    node: str
    file: str

    def __str__(self) -> str:
        return f"write the new fence password into {self.file}"


@dataclass(frozen=True)
class PushDevice:
    """Give the cluster one device's new parameters, and have the fencer ask the device with them."""

    node: str
    index: int
    device: str

    def __str__(self) -> str:
        return f"give the cluster the new password of {self.device}, and have the fencer try it"


RotationAction = ChooseSecrets | ReloadKey | AwaitPair | SetPassword | KeepSecrets | TryDevice | StoreFile | PushDevice
