"""What is said to `rotate-secrets`, and what it answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.rotated import keep_cluster
from typer.testing import CliRunner

from pcmk_ha.cli.app import app
from pcmk_ha.cli.rotate import _ask_passwords, _chosen
from pcmk_ha.errors import BadInput
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.operate.rotate.rotation import files_to_type
from pcmk_ha.operate.secrets import generated_secrets


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FENCE_PASSWORD", "canary-fence")
    return keep_cluster(tmp_path)


def test_which_secrets_must_be_said_and_be_ones_there_are(folder: Path) -> None:
    for words, says in ((["drbd", "drdb"], "drdb is none of corosync"), ([], "which secrets?"), (["fencing"], "")):
        done = CliRunner().invoke(app, ["rotate-secrets", "-f", str(folder), "--prepare", *words])
        assert isinstance(done.exception, BadInput)
        assert says in str(done.exception)


def test_prepared_values_are_kept_and_shown_to_nobody_and_the_next_run_goes_on_with_them(folder: Path) -> None:
    arguments = ["rotate-secrets", "-f", str(folder), "--prepare"]
    done = CliRunner().invoke(app, [*arguments, "postgresql"])
    assert done.exit_code == 0
    later = generated_secrets(folder)["next"]
    assert set(later) == {"superuser", "application"}
    assert not [value for value in later.values() if value in done.output]
    assert _chosen(later, [], everything=False) == []
    assert _chosen(later, ["drbd"], everything=False) == ["drbd"]
    assert _chosen({}, [], everything=True) == ["corosync", "drbd", "postgresql", "fencing"]


def test_only_passwords_that_stand_in_files_can_be_typed(folder: Path) -> None:
    text = folder.read_text().replace("{env: FENCE_PASSWORD}}", "{file: bmc.password}}", 1)
    cluster = load_cluster_text(text)
    assert files_to_type(cluster) == {"bmc.password": ["node1"]}
    with pytest.raises(BadInput, match="no fence password stands in a file"):
        _ask_passwords(load_cluster_text(folder.read_text()))
