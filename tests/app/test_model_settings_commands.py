"""`models network` and `models folders`: what they show, keep and refuse."""

from pathlib import Path

import pytest

from app.cli import run
from app.models.settings import NetworkSettings, SharedSettings
from app.paths import shared_settings_file


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in (
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HF_ENDPOINT",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    out, err = capsys.readouterr()
    assert err == ""
    return {line[:14].strip(): line[14:] for line in out.splitlines()}


def test_the_network_is_on_at_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "network"]) == 0
    assert shown(capsys) == {
        "network": "on",
        "proxy": "none",
        "certificates": "the system's",
        "mirror": "none",
        "settings": str(shared_settings_file()),
    }
    assert not shared_settings_file().exists()


def test_what_is_changed_is_kept_and_the_rest_stays(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["models", "network", "--off", "--proxy", "http://me:secret@proxy:80"]) == 0
    assert run(["models", "network", "--mirror=https://mirror.example/"]) == 0
    assert SharedSettings.load().network == NetworkSettings(
        off=True, proxy="http://me:secret@proxy:80", mirror="https://mirror.example"
    )
    rows = shown(capsys)
    assert rows["network"] == "off: no request is made"
    assert rows["proxy"] == "http://proxy:80"
    assert run(["models", "network", "--on", "--proxy", "", "--mirror", "", "--ca", ""]) == 0
    assert SharedSettings.load() == SharedSettings()
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@other:80")
    capsys.readouterr()
    run(["models", "network"])
    assert shown(capsys)["proxy"] == "http://other:80 (from the environment)"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["network", "--proxy", "proxy:80"], "not the address of a proxy"),
        (["network", "--mirror", "x"], "not the address of a mirror"),
        (["network", "--ca", "none.pem"], "none.pem cannot be read"),
        (["network", "--on", "--off"], "not allowed"),
        (["network", "off"], "not understood: off"),
        (["download", "tiny", "--proxy", "x"], "not the address of a proxy"),
        (["download", "tiny", "--off"], "unknown option: --off"),
        (["folders", "add"], "say which folder"),
        (["folders", "list", "x"], "not understood: x"),
        (["folders", "forget", "x"], "forget"),
    ],
)
def test_wrong_usage_changes_nothing(args: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(["models", *args])
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) <= 2
    assert not shared_settings_file().exists()


def test_folders(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "größer, 模型").mkdir()
    folder = str(home / "größer, 模型")
    assert run(["models", "folders", "add", folder]) == 0
    assert run(["models", "folders"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (f"{folder}\n", f"{folder} is looked into\n")
    assert run(["models", "folders", "remove", folder]) == 0
    assert run(["models", "folders", "remove", folder]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines()[-1].startswith(f"error: models folders: {folder} is none of your folders")
    assert SharedSettings.load().folders == ()


def test_settings_that_cannot_be_read_are_said_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    shared_settings_file().parent.mkdir(parents=True)
    shared_settings_file().write_text("off = yes")
    assert run(["models", "network", "--on"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(". Correct this file, or delete it.\n")
    assert shared_settings_file().read_text() == "off = yes"
