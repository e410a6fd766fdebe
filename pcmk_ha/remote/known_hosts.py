"""What OpenSSH's known_hosts files say about a host.

paramiko's own reader fails at a damaged line, knows no patterns and passes over revoked keys.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class KnownKey:
    """A key a file names for a host."""

    type: str
    base64: str
    revoked: bool = False


def host_name(host: str, port: int, alias: str = "") -> str:
    """Return what a host is called in known_hosts; `alias` is ssh_config's HostKeyAlias."""
    return alias or (host if port == 22 else f"[{host}]:{port}")


def find_keys(text: str, name: str) -> tuple[KnownKey, ...]:
    """Return every key that is named for a host; certificate authorities and damaged lines are passed over."""
    return tuple(key for patterns, key in _entries(text) if _matches(patterns, name))


def new_line(text: str, name: str, key: KnownKey) -> str:
    """Return what to append to a file that holds `text`: a line of its own, whatever that ended with."""
    separator = "" if not text or text.endswith("\n") else "\n"
    return f"{separator}{name} {key.type} {key.base64}\n"


def _entries(text: str) -> Iterator[tuple[str, KnownKey]]:
    for line in text.splitlines():
        fields = line.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#") or marker not in ("", "@revoked"):
            continue
        yield fields[0], KnownKey(fields[1], fields[2], revoked=bool(marker))


def _matches(patterns: str, name: str) -> bool:
    if patterns.startswith("|1|"):
        return _is_hash_of(patterns, name)
    each = patterns.lower().split(",")
    if any(_fits(pattern[1:], name) for pattern in each if pattern.startswith("!")):
        return False
    return any(_fits(pattern, name) for pattern in each)


def _fits(pattern: str, name: str) -> bool:
    # A bracket is a plain character in known_hosts ([host]:port), not a set.
    return fnmatchcase(name.lower(), pattern.replace("[", "[[]"))


def _is_hash_of(entry: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in entry.removeprefix("|1|").split("|"))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.lower().encode(), hashlib.sha1).digest(), digest)
