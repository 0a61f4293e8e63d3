"""The commands `models folders` and `models network`, done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from app.commands import run_command
from app.console import Console
from gpu.cancel import CancelToken

if TYPE_CHECKING:
    from app.models.settings import NetworkSettings

_PASSWORD = re.compile(r"//[^/]*@")


def list_folders() -> int:
    """Show the folders of the settings, one a line; the exit code."""
    from app.models.settings import SharedSettings

    def run(console: Console, _token: CancelToken) -> int:
        for folder in SharedSettings.load().folders:
            console.text(str(folder))
        return 0

    return run_command("models folders", run)


def change_folders(action: Literal["add", "remove"], folder: str) -> int:
    """Add a folder to the settings, or remove one; the exit code."""
    from app.models.settings import add_folder, remove_folder

    def run(console: Console, _token: CancelToken) -> int:
        changed = add_folder(folder) if action == "add" else remove_folder(folder)
        console.note(f"{changed} is {'looked into' if action == 'add' else 'not looked into any more'}")
        return 0

    return run_command("models folders", run)


def network(changes: Mapping[str, Any]) -> int:
    """Change fields of the network's settings, if any, and show them all; the exit code."""
    from app.models.settings import SharedSettings

    def run(console: Console, _token: CancelToken) -> int:
        settings = SharedSettings.load()
        if changes:
            settings = replace(settings, network=replace(settings.network, **changes))
            settings.save()
        for line in _lines(settings.network):
            console.text(line)
        return 0

    return run_command("models network", run)


def _lines(settings: NetworkSettings) -> Iterator[str]:
    """The settings, and what holds where there is none."""
    from app.models.network import proxy_for
    from app.paths import shared_settings_file

    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
    yield f"network       {'off: no request is made' if settings.off else 'on'}"
    for name, own, environment, otherwise in (
        ("proxy", settings.proxy, proxy_for("https://huggingface.co", settings), "none"),
        ("certificates", settings.ca_file, certificates, "the system's"),
        ("mirror", settings.mirror, os.environ.get("HF_ENDPOINT"), "none"),
    ):
        value = own or (f"{environment} (from the environment)" if environment else otherwise)
        yield f"{name:14}{_PASSWORD.sub('//', str(value))}"
    yield f"settings      {shared_settings_file()}"
