"""The server that runs and its files on the volume, as facts a plan is made from. Read-only."""

from __future__ import annotations

from dataclasses import replace

from pcmk_ha.desired.values import Desired
from pcmk_ha.operate.look.files import STATS, SUMS, parse_file_facts
from pcmk_ha.operate.parts import server
from pcmk_ha.plan.facts import ServiceFacts
from pcmk_ha.remote.questions import ask_all
from pcmk_ha.remote.runner import Runner


def look_at_server(holder: Runner, desired: Desired, found: ServiceFacts) -> ServiceFacts:
    """Add what its files and the server say to what was found; `holder` is the node it runs on."""
    paths = tuple(file.path for file in desired.volume_files)
    questions = {
        "postmaster": ("cat", server.postmaster_file(desired)),
        "parameters": ("cat", server.parameters_path(desired)),
        "sums": (*SUMS, *paths),
        "stats": (*STATS, *paths),
        "written": server.written_query(desired),
    }
    on_disk = {name: answer.stdout for name, answer in ask_all(holder, questions, timeout=60).items()}
    port = server.parse_port(on_disk["postmaster"])
    queries = {"loaded": server.LOADED, "settings": server.SETTINGS}
    asked = {name: server.server_query(desired, query, port=port) for name, query in queries.items()}
    said = {name: answer.stdout for name, answer in ask_all(holder, asked, timeout=60).items()}
    return replace(
        found,
        volume_files=parse_file_facts(on_disk["sums"], on_disk["stats"]),
        settings_loaded=server.is_loaded(said["loaded"], on_disk["written"]),
        settings=server.parse_settings(said["settings"]),
        parameters_found=on_disk["parameters"],
    )
