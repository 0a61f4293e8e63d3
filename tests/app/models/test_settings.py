"""What window and command line share: kept as it was given, and nothing that cannot be used."""

import sys
from pathlib import Path

import pytest

from app.models.errors import SettingsError
from app.models.overview import overview
from app.models.settings import (
    NetworkSettings,
    SharedSettings,
    add_folder,
    parse_ca_file,
    parse_mirror,
    parse_proxy,
    remove_folder,
)
from app.paths import default_model, shared_settings_file

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def test_what_was_saved_is_there(tmp_path: Path) -> None:
    network = NetworkSettings(True, "http://user:p%40ss@proxy:80", tmp_path / "ä.pem", "https://mirror.example")
    settings = SharedSettings(network, (tmp_path / " b\n#c = 模型 ", Path("/d\udce9e")))  # the last in no encoding
    settings.save()
    assert SharedSettings.load() == settings
    assert [path.name for path in shared_settings_file().parent.iterdir()] == ["settings.json"]
    SharedSettings().save()
    assert SharedSettings.load() == SharedSettings()


def test_nothing_is_set_at_first() -> None:
    assert SharedSettings.load() == SharedSettings(NetworkSettings(off=False, proxy="", ca_file=None, mirror=""), ())


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
def test_nobody_else_reads_passwords() -> None:
    SharedSettings().save()
    assert shared_settings_file().stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text",
    [
        "off = yes",
        "",
        "[]",
        '{"network": {"off": "yes"}}',
        '{"network": {"off": 1}}',
        '{"network": {"of": true}}',
        '{"netwrok": {"off": true}}',
        '{"network": null}',
        '{"network": {"proxy": null}}',
        '{"folders": "/models"}',
        '{"folders": [1]}',
    ],
)
def test_what_cannot_be_understood_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"settings\.json cannot be read") as caught:
        SharedSettings.load(path)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be written"):
        SharedSettings().save(tmp_path / "file" / "settings.json")


@pytest.mark.parametrize(
    "text", ["", "http://proxy", " http://proxy:8080 ", "https://u:p%40@[::1]:3128/", "http://größe.example"]
)
def test_addresses_of_proxies(text: str) -> None:
    assert parse_proxy(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["proxy:8080", "http://", "http://proxy:x", "http://proxy:99999", "http://proxy:0", "http://[", "http://a b",
     "socks5://proxy", "http://proxy/path", "http://proxy?x", "http://pro\nxy"],
)  # fmt: skip
def test_what_is_no_address_of_a_proxy(text: str) -> None:
    with pytest.raises(SettingsError, match="not the address of a proxy") as caught:
        parse_proxy(text)
    assert "http://host:port" in caught.value.remedy


def test_addresses_of_mirrors() -> None:
    assert parse_mirror(" https://mirror.example/hf/ ") == "https://mirror.example/hf"
    assert parse_mirror("") == ""
    for text in ("mirror.example", "ftp://mirror.example", "https://mirror.example/?q", "https://m#x"):
        with pytest.raises(SettingsError, match="not the address of a mirror"):
            parse_mirror(text)


def test_files_of_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_ca_file(" ") is None
    for name, content in {"empty.pem": "", "text.pem": "hello\n" * 9, "broken.pem": CERTIFICATE}.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(SettingsError, match=f"{name} holds no certificate"):
            parse_ca_file(str(tmp_path / name))
    with pytest.raises(SettingsError, match=r"none\.pem cannot be read: No such file"):
        parse_ca_file(str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError):
        parse_ca_file(str(tmp_path))


class TestFolders:
    def test_added_once_and_removed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("a").mkdir()
        SharedSettings(NetworkSettings(off=True)).save()
        assert add_folder("a") == add_folder(str(tmp_path / "a")) == tmp_path / "a"
        assert SharedSettings.load() == SharedSettings(NetworkSettings(off=True), (tmp_path / "a",))
        Path("a").rmdir()
        assert remove_folder("a") == tmp_path / "a"
        assert SharedSettings.load() == SharedSettings(NetworkSettings(off=True))

    def test_that_are_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="is not there"):
            add_folder(str(tmp_path / "none"))
        with pytest.raises(SettingsError, match="none of your folders"):
            remove_folder(str(tmp_path / "none"))

    def test_are_looked_into(self, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "m.bin").write_bytes(default_model().read_bytes()[:2_000_000])
        add_folder(str(tmp_path / "mine"))
        seen = overview([tmp_path / "mine", tmp_path / "gone"])
        [found] = [row.model for row in seen.on_disk if row.model.path == tmp_path / "mine" / "m.bin"]
        assert found.origin == "your folder"
        assert seen.notes == (f"{tmp_path / 'gone'} is not there, or is no folder.",)
        assert str(tmp_path / "mine" / "m.bin") in [row["path"] for row in seen.as_json()["on_disk"]]

    def test_settings_that_cannot_be_read_are_noted(self) -> None:
        shared_settings_file().parent.mkdir(parents=True)
        shared_settings_file().write_text("?")
        [note] = overview().notes
        assert "settings.json cannot be read" in note
