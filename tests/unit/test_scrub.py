"""No secret leaves in a text: planted canaries in every form, and what looks like a secret though nobody told us."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import shlex
import tarfile
from base64 import b64encode
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from pcmk_ha.scrub.packed import NotReadable, holds_secret, scrubbed, unpacked
from pcmk_ha.scrub.patterns import SHOWN, mask_patterns
from pcmk_ha.scrub.scrubber import Scrubber

CANARY = "cAn&r<y/\"7'+ö:x%=\\9"
PLAIN = "canary-Plain-0815"
KEY = bytes(range(7, 135))
SCRUBBER = Scrubber.knowing([CANARY, PLAIN, b64encode(KEY).decode()], [KEY])

WRITTEN = {
    "as it stands": CANARY,
    "in XML text": escape(CANARY),
    "in an XML attribute": quoteattr(CANARY)[1:-1],
    "by lxml": etree.tostring(etree.Element("a", b=CANARY), encoding="unicode")[6:-3],
    "XML within XML": escape(escape(CANARY, {'"': "&quot;"})),
    "with numbers": escape(CANARY, {'"': "&#34;", "'": "&#39;"}),
    "in JSON": json.dumps(CANARY)[1:-1],
    "in JSON as UTF-8": json.dumps(CANARY, ensure_ascii=False)[1:-1],
    "in a URL": quote(CANARY, safe=""),
    "in a path": quote(CANARY),
    "in a form": quote_plus(CANARY),
    "in a URL in lower case": quote(CANARY, safe="").replace("%2F", "%2f").replace("%3C", "%3c").replace("%C3", "%c3")
    .replace("%B6", "%b6").replace("%2B", "%2b").replace("%3A", "%3a").replace("%3D", "%3d").replace("%5C", "%5c"),
    "every byte of it in a URL": "".join(f"%{byte:02X}" for byte in CANARY.encode()),
    "in base64": b64encode(CANARY.encode()).decode(),
    "in base64 with a login": b64encode(f"adm:{CANARY}, and more".encode()).decode(),
    "in hex": CANARY.encode().hex(),
    "in SQL": CANARY.replace("'", "''"),
    "in a shell": shlex.quote(CANARY)[1:-1],
    "in pgpass": CANARY.replace("\\", "\\\\").replace(":", "\\:"),
    "in Python": repr(CANARY)[1:-1],
}  # fmt: skip


@pytest.mark.parametrize("how", WRITTEN)
def test_a_known_secret_is_found_and_taken_out_however_it_is_written(how: str) -> None:
    text = f"before {WRITTEN[how]} after\n"
    assert SCRUBBER.finds_in(text)
    clean = SCRUBBER.text(text)
    assert WRITTEN[how] not in clean
    assert not SCRUBBER.finds_in(clean)
    assert clean.startswith("before ")
    assert clean.endswith(" after\n")


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("between", ["\n", "\r\n", "\n    ", "\\\n  "])
def test_a_known_secret_is_found_when_lines_break_in_it(how: str, between: str) -> None:
    form = WRITTEN[how]
    for at in (1, len(form) // 2, len(form) - 1):
        if between.startswith("\\") and form[at - 1] == "\\":
            continue  # no program breaks a line behind an escape
        text = f"before {form[:at]}{between}{form[at:]} after\n"
        assert SCRUBBER.finds_in(text)
        assert not SCRUBBER.finds_in(SCRUBBER.text(text))


def test_a_key_is_found_in_base64_of_any_width_in_hex_and_raw() -> None:
    wrapped = "\n".join(b64encode(KEY).decode()[at : at + 64] for at in range(0, 200, 64))
    for text in (wrapped, KEY.hex(), KEY.hex(":"), KEY.hex(" ").upper(), KEY.decode("utf-8", "surrogateescape")):
        assert SCRUBBER.finds_in(f"x{text}y")
        assert not SCRUBBER.finds_in(SCRUBBER.text(f"x{text}y"))


def test_a_secret_with_blanks_is_found_where_a_line_was_broken_at_one() -> None:
    scrubber = Scrubber.knowing(["correct horse battery"])
    text = "is correct horse\n    battery, they say"
    assert scrubber.finds_in(text)
    assert scrubber.text(text) == f"is {SHOWN}, they say"


@given(st.text(min_size=4, max_size=40), st.text(max_size=60), st.text(max_size=60))
def test_whatever_the_secret_is_nothing_of_it_is_found_afterwards(secret: str, before: str, after: str) -> None:
    scrubber = Scrubber.knowing([secret])
    for form in (secret, escape(secret), quote(secret.encode("utf-8", "surrogatepass"))):
        assert form not in scrubber.text(f"{before} {form} {after}")


def test_no_secret_shows_when_a_scrubber_is_printed() -> None:
    assert PLAIN not in repr(SCRUBBER)


LOOKS_SECRET = [
    '<nvpair id="f-passwd" name="passwd" value="hunter2"/>',
    "<nvpair value='hunter2'\n   name='password' id='x'/>",
    '<nvpair id="x" name="snmp_community" value="hunter2>x"/>',
    '<nvpair id="x" name="token_value" value="hunter2"/>',
    '&lt;nvpair id="x" name="password" value="hunter2"/&gt;',
    "&lt;nvpair id=&quot;x&quot; name=&quot;passwd&quot; value=&quot;hunter2&quot;/&gt;",
    "&amp;lt;nvpair name=&amp;quot;passwd&amp;quot; value=&amp;quot;hunter2&amp;quot;/&amp;gt;",
    '<nvpair id="x" name="password" value="hunter2',
    "info: +  /cib/configuration/resources/primitive[@id='fence_a']/instance_attributes[@id='fence_a-ia']"
    "/nvpair[@id='fence_a-ia-password']:  @value=hunter2",
    "+ /cib/x/nvpair[@id='f-passwd']:  @value=hunter2 with blanks, @name=passwd",
    "passwd=hunter2", "password = hunter2", "PASSWORD: hunter2", "PGPASSWORD=hunter2 psql", "ip=1,passwd=a,hunter2",
    'password="two hunter2"', "password='it''s hunter2'", '{"password": "hunter2"}', r'"{\"password\": \"hunter2\"}"',
    "login_passwd=hunter2", "ldapbindpasswd=hunter2", "primary_conninfo = 'user=r password=hunter2 host=h'",
    "  passphrase:\n    hunter2", "api-token=hunter2", "token=hunter2",
    'shared-secret "hunter2";', "shared-secret hunter2;", "drbdsetup net-options a b --shared-secret=hunter2",
    "--password hunter2", "fence_ipmilan -a 1.2.3.4 -l admin -p hunter2 -o status", "ipmitool -U a -P hunter2 power on",
    "ipmitool -U a -P 'two hunter2'", "sshpass -phunter2 ssh x", "fence_x -k /a -p hunter2",
    "crm_resource -r f -p passwd -v hunter2", "crm_resource --set-parameter password --parameter-value hunter2",
    "postgresql://app:hunter2@10.0.0.1/app", "10.77.0.100:5432:*:postgres:hunter2",
    r"fe80\:\:1:5432:*:postgres:hun\:hunter2",
    "STATEMENT:  ALTER ROLE app PASSWORD 'hunter2'", "create role x encrypted password 'it''s hunter2';",
    "ALTER ROLE app PASSWORD $$hunter2$$", "ALTER USER x PASSWORD E'\\'hunter2'",
    "SCRAM-SHA-256$4096:aHVudGVyMg==$hunter2hunter2=:hunter2=", "x|md50123456789abcdef0123456789abcdef",
    "root:$6$salt$hunter2hunter2/abc:19000:", "Authorization: Basic aHVudGVyMg==hunter2",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----",
    "hunter2\n-----END PRIVATE KEY-----\nrest", "-----BEGIN PRIVATE KEY-----\nhunter2\n",
]  # fmt: skip


@pytest.mark.parametrize("text", LOOKS_SECRET)
def test_what_looks_like_a_secret_is_masked_though_nobody_told_us_its_value(text: str) -> None:
    clean = mask_patterns(f"Nov 24 node1 x: {text}\nnext line\n" if "::" not in text and "5432:" not in text else text)
    assert "hunter2" not in clean
    assert "0123456789abcdef" not in clean
    assert SHOWN in clean


NO_SECRET = [
    "  token: 1000", "totem.token (u32) = 1000", "  token_coefficient: 0", "token_retransmit=238",
    "password_encryption = 'scram-sha-256'", "FATAL:  password authentication failed for user \"app\"",
    "PrivateTmp=yes",
    "    password: {env: FENCE_PASSWORD}", "systemd-ask-password-wall.path: Deactivated successfully.",
    "passwd_script=/root/x.sh",
    '<nvpair id="a" name="ip" value="10.0.0.1"/>', '<nvpair id="a" name="passwd_script" value="/root/p"/>',
    "keyfile: /etc/corosync/authkey", "cram-hmac-alg sha256;", "fence_node1 (stonith:fence_ipmilan): Started node2",
    "tcp 0 0 10.77.0.11:7788 10.77.0.12:41234 ESTABLISHED", "role:Primary", "12:30:45 x",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_SECRET)
def test_what_explains_a_failure_stays(text: str) -> None:
    assert mask_patterns(f"{text}\n") == f"{text}\n"


def test_a_masked_document_is_still_one() -> None:
    root = etree.fromstring(mask_patterns(CIB.decode()))
    assert [pair.get("value") for pair in root.iter("nvpair")] == [SHOWN]
    assert json.loads(mask_patterns('{"password": "hunter2", "a": 1}')) == {"password": SHOWN, "a": 1}
    assert mask_patterns('net { shared-secret "hunter2"; }') == f'net {{ shared-secret "{SHOWN}"; }}'


def test_masking_again_changes_nothing() -> None:
    for text in LOOKS_SECRET:
        once = mask_patterns(f"{text}\n")
        assert mask_patterns(once) == once


# --- packed files

CIB = f'<cib><nvpair name="passwd" value="unknown-hunter2"/><x y={quoteattr(PLAIN)}/></cib>'.encode()


def tar_of(**files: bytes) -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return into.getvalue()


PACKED = {
    "pe-input-1.bz2": bz2.compress(CIB),
    "two-streams.bz2": bz2.compress(b"<first/>") + bz2.compress(CIB),
    "log.1.gz": gzip.compress(CIB),
    "log.xz": lzma.compress(CIB),
    "all.tar": tar_of(a=b"clean", b=bz2.compress(CIB)),
    "all.tgz": gzip.compress(tar_of(b=gzip.compress(CIB))),
}


@pytest.mark.parametrize("name", PACKED)
def test_secrets_inside_packed_files_are_taken_out_and_found(name: str) -> None:
    assert holds_secret(SCRUBBER, name, PACKED[name])
    clean = list(scrubbed(SCRUBBER, name, PACKED[name]))
    assert any(b"<cib>" in data for _, data in clean)
    for inner, data in clean:
        assert not inner.endswith((".bz2", ".gz", ".xz", ".tgz"))
        assert PLAIN.encode() not in data
        assert b"hunter2" not in data
        assert not holds_secret(SCRUBBER, inner, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.bz2", bz2.compress(CIB * 50)[:-20]),
        ("cut.gz", gzip.compress(CIB * 50)[:-20]),
        ("cut.xz", lzma.compress(CIB * 50)[:-20]),
        ("broken.bz2", b"BZh9nonsense"),
        ("log.zst", b"\x28\xb5\x2f\xfd\x00"),
        ("core", b"ELF\0\0" + PLAIN.encode()),
        ("deep", gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"x")))))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # a gzip's bytes hold the time
)
def test_what_cannot_be_read_is_never_passed_on(name: str, data: bytes) -> None:
    with pytest.raises(NotReadable, match=name.partition(".")[0]):
        list(unpacked(name, data))
    with pytest.raises(NotReadable):
        list(scrubbed(SCRUBBER, name, data))


def test_a_secret_in_a_files_name_is_found_and_masked() -> None:
    assert holds_secret(SCRUBBER, f"x-{PLAIN}.txt", b"nothing")
    assert list(scrubbed(SCRUBBER, f"x-{PLAIN}.txt", b"nothing")) == [(f"x-{SHOWN}.txt", b"nothing")]


def test_bytes_that_are_no_utf8_come_through_unchanged() -> None:
    assert list(scrubbed(SCRUBBER, "a", b"caf\xe9 \xff")) == [("a", b"caf\xe9 \xff")]
