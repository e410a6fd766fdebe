"""The secrets file has old and new values until the new ones are in force, and shows them to nobody."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from support.files import MINIMAL
from support.rotated import ALL, HEALTHY, keep_cluster

from pcmk_ha.desired.build import build_desired
from pcmk_ha.errors import BadInput, Refused
from pcmk_ha.model.load import load_cluster_text
from pcmk_ha.model.platform import DEBIAN_13
from pcmk_ha.operate.change.bootstrap import Bootstrap
from pcmk_ha.operate.rotate.store import choose_secrets, keep_secrets, only_run, store_password
from pcmk_ha.operate.secrets import generated_secrets, load_secrets, secrets_path
from pcmk_ha.plan.rotation import plan_rotation


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FENCE_PASSWORD", "canary-fence")
    return keep_cluster(tmp_path)


def test_old_and_new_values_stand_in_the_file_until_the_new_ones_are_in_force(folder: Path) -> None:
    before = generated_secrets(folder)
    choose_secrets(folder, ["drbd", "superuser"])
    chosen = generated_secrets(folder)
    assert {name: chosen[name] for name in ALL} == {name: before[name] for name in ALL}
    assert set(chosen["next"]) == {"drbd", "superuser"}
    assert chosen["next"]["drbd"] != before["drbd"]
    choose_secrets(folder, ["superuser", "application"])  # as a second run would
    assert {k: v for k, v in generated_secrets(folder)["next"].items() if k != "application"} == chosen["next"]
    keep_secrets(folder, ["drbd"])
    after = generated_secrets(folder)
    assert after["drbd"] == chosen["next"]["drbd"]
    assert set(after["next"]) == {"superuser", "application"}
    keep_secrets(folder, ["superuser", "application"])
    assert generated_secrets(folder)["next"] == {}
    assert "next" not in secrets_path(folder).read_text()
    assert stat.S_IMODE(secrets_path(folder).stat().st_mode) == 0o600
    assert load_secrets(load_cluster_text(MINIMAL), folder).superuser == chosen["next"]["superuser"]


def test_new_values_show_nowhere_when_secrets_are_printed(folder: Path) -> None:
    choose_secrets(folder, ALL)
    found = load_secrets(load_cluster_text(MINIMAL), folder)
    assert all(value not in repr(found) for value in found.next.values())
    assert found.with_next().drbd == found.next["drbd"]


def test_a_damaged_part_of_the_file_is_named(folder: Path) -> None:
    with secrets_path(folder).open("a") as file:
        file.write("next: {drbd: 5}\n")
    with pytest.raises(BadInput, match="`next` must hold"):
        generated_secrets(folder)


def test_two_rotations_do_not_run_side_by_side(folder: Path) -> None:
    with only_run(folder), pytest.raises(Refused, match="another rotation"), only_run(folder):
        pass
    with only_run(folder):
        pass


def test_bootstrap_does_not_bring_old_values_back_while_new_ones_are_on_their_way(folder: Path) -> None:
    choose_secrets(folder, ["authkey"])
    cluster = load_cluster_text(MINIMAL)
    secrets = load_secrets(cluster, folder)
    work = Bootstrap({}, build_desired(cluster, secrets, DEBIAN_13), secrets)
    with pytest.raises(Refused, match="new values of authkey are on their way"):
        work.plan()


def test_a_fence_password_is_stored_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "bmc"
    path.write_text("old\n")
    path.chmod(0o644)
    store_password(path, "canary-new")
    assert path.read_text() == "canary-new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["bmc"]


def test_a_plan_names_no_secret(folder: Path) -> None:
    choose_secrets(folder, ALL)
    text = str(plan_rotation(HEALTHY))
    values = generated_secrets(folder)
    assert not [value for value in (*values["next"].values(), values["drbd"]) if value in text]
    assert "reload Corosync with the new key" in text
