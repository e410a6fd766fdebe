"""What a secret looks like where nobody told us its value: by the name before it, or by its own form."""

from __future__ import annotations

import re

from pcmk_ha.model.secret import is_secret_name

SHOWN = "********"
LONGEST = 400  # characters of a quoted value

# A value after its name: quoted in one of the ways programs do, or up to the next blank.
QUOTED = (
    rf'"(?:\\.|[^"\\]){{0,{LONGEST}}}"',
    rf"'(?:\\.|''|[^'\\]){{0,{LONGEST}}}'",
    rf"&quot;.{{0,{LONGEST}}}?&quot;",
    rf"&apos;.{{0,{LONGEST}}}?&apos;",
    rf'\\"(?:[^"\\]){{0,{LONGEST}}}\\"',
)
VALUE = rf"(?P<value>{'|'.join(QUOTED)}|\S+)"
MARKS = ("&quot;", "&apos;", '\\"', '"', "'")
GAP = r"[ \t]*(?:\\?\r?\n[ \t]+)?"  # a value on the next line is indented
WORDS = r"(?:passw|passphrase|pwd|secret|community|_kg)"
NAME = rf"[\w-]*{WORDS}[\w-]*"
NOT_SECRET = ("script", "_name", "encryption", "authentication", "prompt", "community.", "_file")

# In a CIB, in one that stands in another document, and in one that stands in one that does.
NVPAIR = re.compile(
    r"<nvpair\b(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|&lt;nvpair\b.*?&gt;|&amp;lt;nvpair\b.*?&amp;gt;", re.DOTALL
)
ATTRIBUTE = re.compile(
    r"(?P<name>[\w-]+)(?P<is>\s*=\s*)(?P<quote>\\?[\"']|&quot;|&apos;|&amp;quot;|&amp;apos;)(?P<value>.*?)(?P=quote)",
    re.DOTALL,
)
NAMED_VALUE = re.compile(
    rf"(?P<head>\bname=[\"'](?P<name>{NAME})[\"']\s+value=){VALUE}", re.I | re.DOTALL
)  # a tag cut off
CIB_CHANGE = re.compile(r"(nvpair\[@id=['\"](?P<id>[^'\"\]]*)['\"]\][^\n]*?@value=)(?P<value>[^\n]*?)(?=, @|$)", re.M)
ASSIGNED = re.compile(
    rf"(?P<head>(?P<name>(?<![\w-]){NAME})\\?[\"']?(?:&quot;)?{GAP}(?:=>|:=|[=:]){GAP})(?!\{{(?:env|file):){VALUE}",
    re.I | re.DOTALL,
)
TOKEN = re.compile(rf"(?P<head>(?<![\w.-])[\w-]*token[\w-]*\\?[\"']?{GAP}=[ \t]*)(?!\d+\b){VALUE}", re.I)
OPTION = re.compile(rf"(?P<head>(?<!\S)--?(?P<name>{NAME})[ \t]+)(?!-){VALUE}", re.I | re.DOTALL)
RESOURCE_OPTION = re.compile(
    rf"(?P<head>(?<!\S)(?:-p|-n|--parameter|--name|--set-parameter)[ =]*(?P<name>{NAME})[ \t]+"
    rf"(?:-v|--parameter-value|--update)[ =]*){VALUE}",
    re.I | re.DOTALL,
)
DRBD = re.compile(rf"(?P<head>\bshared-secret[ \t]+)(?P<value>{'|'.join(QUOTED)}|[^\s;]+)", re.DOTALL)
SQL = re.compile(
    rf"(?P<head>\b(?:PASSWORD|IDENTIFIED\s+BY)\s+)(?P<value>E?'(?:''|\\.|[^'\\]){{0,{LONGEST}}}'"
    rf"|\$(?P<tag>\w*)\$.{{0,{LONGEST}}}?\$(?P=tag)\$)",
    re.I | re.DOTALL,
)
# The whole of a line: an agent's short options for logins differ, and each is one letter.
AGENT_LINE = re.compile(r"\b(?:ipmitool|ipmi-power|sshpass|fence_[a-z_]+)\b[^\n]*")
SHORT_OPTION = re.compile(
    rf"(?P<head>(?<!\S)-[pPkKyS](?:[ \t]+(?!-)|=)?)(?P<value>{'|'.join(QUOTED)}|[^\s-]\S*)", re.DOTALL
)
PGPASS = re.compile(r"^((?:[^:\s#\\]|\\.)+:(?:\d{1,5}|\*):(?:[^:\n\\]|\\.)+:(?:[^:\n\\]|\\.)+:)\S[^\n]*$", re.M)
SIMPLE = (
    (re.compile(r"(SCRAM-SHA-\d+\$)\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]*"), rf"\1{SHOWN}"),
    (re.compile(r"\bmd5[0-9a-f]{32}\b"), f"md5{SHOWN}"),
    (re.compile(r"\$(?:1|5|6|7|y|2[abxy]?|argon2\w*)\$[./A-Za-z0-9$,=+-]{8,}"), SHOWN),  # crypt(5)
    (re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]*:)[^\s@]{1,200}(?=@)", re.I), rf"\1{SHOWN}"),
    (PGPASS, rf"\1{SHOWN}"),  # host:port:database:role:password
    (re.compile(r"(\bauthorization\W{1,6}(?:basic|bearer|digest)\s+)\S+", re.I), rf"\1{SHOWN}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), SHOWN),
    (re.compile(r"\A[^-]{0,10000}-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), SHOWN),  # its begin was cut off
)  # fmt: skip


def mask_patterns(text: str) -> str:
    """Replace everything that looks like a secret."""
    text = NVPAIR.sub(lambda tag: _mask_pair(tag[0]), text)
    text = CIB_CHANGE.sub(lambda m: f"{m[1]}{SHOWN}" if is_secret_name(m["id"]) else m[0], text)
    text = AGENT_LINE.sub(lambda line: SHORT_OPTION.sub(_mask_value, line[0]), text)
    for pattern in (NAMED_VALUE, DRBD, SQL, RESOURCE_OPTION, OPTION, TOKEN, ASSIGNED):
        text = pattern.sub(_mask_value, text)
    for simple, replacement in SIMPLE:
        text = simple.sub(replacement, text)
    return text


def _mask_value(match: re.Match[str]) -> str:
    """Mask what stands after a name, unless the name is only that of something near a secret."""
    name = (match.groupdict().get("name") or "").lower()
    if any(word in name for word in NOT_SECRET):
        return match[0]
    value = match["value"]
    mark = next((m for m in MARKS if value.startswith(m) and value.endswith(m) and len(value) >= 2 * len(m)), "")
    return f"{match['head']}{mark}{SHOWN}{mark}"


def _mask_pair(tag: str) -> str:
    """Mask the value of one name-value pair of a CIB, however the document around it was quoted."""
    attributes = {m["name"]: m for m in ATTRIBUTE.finditer(tag)}
    name, value = attributes.get("name"), attributes.get("value")
    if name is None or value is None or not is_secret_name(name["value"]):
        return tag
    return f"{tag[: value.start('value')]}{SHOWN}{tag[value.end('value') :]}"
