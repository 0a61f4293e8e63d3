"""What window and command line share: how to use the network, and the user's own folders of models.

A file apart from the window's (`app.settings`), which is written by Qt, whole and at times of its own: the command line
has no Qt, and must not lose what a running window knows. JSON, as the other files that the program keeps: in the
standard library, and unlike INI it gives every path back as it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from app.models.errors import SettingsError
from app.paths import is_folder, shared_settings_file
from gpu.errors import reason
from gpu.types import Words


@dataclass(frozen=True)
class NetworkSettings:
    """What the user decides about the network.

    Attributes:
        off: the switch: no request is made at all.
        proxy: address of a proxy ("http://host:port"); empty: what the environment says (HTTPS_PROXY, NO_PROXY).
        ca_file: PEM file of certificates to trust besides the system's (or SSL_CERT_FILE's); None for these alone.
        mirror: address to fetch models from first ("https://host"); empty: what HF_ENDPOINT says, else the usual ones.
    """

    off: bool = False
    proxy: str = ""
    ca_file: Path | None = None
    mirror: str = ""


@dataclass(frozen=True)
class SharedSettings:
    """All that is shared. To change something, load, replace and save: somebody else may have changed the rest.

    Attributes:
        folders: to look for models in, besides the usual places; absolute.
    """

    network: NetworkSettings = NetworkSettings()
    folders: tuple[Path, ...] = ()

    @classmethod
    def load(cls, path: Path | None = None) -> SharedSettings:
        """Read the file; the defaults where there is none.

        Raises:
            SettingsError: there is one and it cannot be understood. To take the network for "on" would be wrong.
        """
        path = path or shared_settings_file()
        try:
            return _settings(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as e:
            cause = reason(e) if isinstance(e, OSError) else str(e)
            raise SettingsError(
                Words("The settings {path} cannot be read: {cause}.", path=path, cause=cause),
                remedy=Words("Correct this file, or delete it."),
            ) from e

    def save(self, path: Path | None = None) -> None:
        """Write the file, at once or not at all; nobody else may read it: a proxy's address can hold a password.

        Raises:
            SettingsError: it cannot be written.
        """
        path = path or shared_settings_file()
        draft = path.with_name(path.name + ".new")
        network = asdict(self.network) | {"ca_file": str(self.network.ca_file or "")}
        text = json.dumps({"network": network, "folders": [str(folder) for folder in self.folders]}, indent=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            draft.replace(path)
        except OSError as e:
            raise SettingsError(
                Words("The settings {path} cannot be written: {cause}.", path=path, cause=reason(e)),
                remedy=Words("See to it that you may write there."),
            ) from e


def parse_proxy(text: str) -> str:
    """The address of a proxy as the user gives it; "" for none.

    Raises:
        SettingsError: it is no such address.
    """
    text = text.strip()
    parts = _web_address(text)
    if text and (parts is None or parts.path.strip("/") or parts.query or parts.fragment):
        raise SettingsError(
            Words("{text} is not the address of a proxy.", text=repr(text)),
            remedy=Words("Write it as http://host:port, with http://user:password@host:port where it asks."),
        )
    return text


def parse_mirror(text: str) -> str:
    """The address of a mirror of huggingface.co as the user gives it; "" for none.

    Raises:
        SettingsError: it is no such address.
    """
    text = text.strip().rstrip("/")
    parts = _web_address(text)
    if text and (parts is None or parts.query or parts.fragment):
        raise SettingsError(
            Words("{text} is not the address of a mirror.", text=repr(text)),
            remedy=Words("Write it as https://host; models are fetched from where huggingface.co has them there."),
        )
    return text


def parse_ca_file(text: str) -> Path | None:
    """The file of certificates to trust as the user gives it, absolute; None for "".

    Raises:
        SettingsError: there is no such file, or no certificate in it.
    """
    text = text.strip()
    if not text:
        return None
    import ssl  # takes a while, and few have need of it

    path = Path(text).expanduser().absolute()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError as e:
        raise SettingsError(
            Words("{path} holds no certificate in PEM form.", path=path),
            remedy=Words('Choose a file that begins with "-----BEGIN CERTIFICATE-----".'),
        ) from e
    except OSError as e:
        raise SettingsError(
            Words("{path} cannot be read: {cause}.", path=path, cause=reason(e)),
            remedy=Words("Choose a file of certificates that is there."),
        ) from e
    return path


def parse_folder(text: str) -> Path:
    """A folder of models as the user gives it, absolute.

    Raises:
        SettingsError: there is no such folder.
    """
    path = Path(text).expanduser().absolute()
    if not is_folder(path):
        raise SettingsError(
            Words("{path} is not there, or is no folder.", path=path), remedy=Words("Give a folder that is there.")
        )
    return path


def add_folder(text: str) -> Path:
    """Look into this folder too from now on; its absolute path. Raises `SettingsError`."""
    folder, settings = parse_folder(text), SharedSettings.load()
    if folder not in settings.folders:
        replace(settings, folders=(*settings.folders, folder)).save()
    return folder


def remove_folder(text: str) -> Path:
    """Do not look into this folder any more; its absolute path. It need not be there.

    Raises:
        SettingsError: it is none of those that are looked into, or the settings cannot be read or written.
    """
    folder, settings = Path(text).expanduser().absolute(), SharedSettings.load()
    if folder not in settings.folders:
        raise SettingsError(
            Words("{path} is none of your folders of models.", path=folder),
            remedy=Words("Give one of those that the list names."),
        )
    replace(settings, folders=tuple(kept for kept in settings.folders if kept != folder)).save()
    return folder


def _web_address(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        return None
    return parts if is_one and not any(c.isspace() or not c.isprintable() for c in text) else None


def _settings(content: object) -> SharedSettings:
    """Raises `ValueError` where something is of another type, or misspelt: "of" must not mean "on"."""
    whole = _only(content, SharedSettings)
    network = _only(whole.get("network", {}), NetworkSettings)
    ca_file = _typed(network, "ca_file", str)
    return SharedSettings(
        NetworkSettings(
            off=_typed(network, "off", bool),
            proxy=_typed(network, "proxy", str),
            ca_file=Path(ca_file) if ca_file else None,
            mirror=_typed(network, "mirror", str),
        ),
        tuple(Path(_typed({"folder": folder}, "folder", str)) for folder in _typed(whole, "folders", list)),
    )


def _only(content: object, kind: type[SharedSettings | NetworkSettings]) -> Mapping[str, Any]:
    known = {field.name for field in fields(kind)}
    if not isinstance(content, dict):
        raise ValueError(f"found {type(content).__name__}, expected an object with {sorted(known)}")  # noqa: TRY004
    if unknown := sorted(content.keys() - known):
        raise ValueError(f"found {unknown}, expected {sorted(known)}")
    return content


def _typed(content: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = content.get(name, kind())
    if not isinstance(value, kind):
        raise ValueError(f'"{name}" is {value!r}, expected {kind.__name__}')  # noqa: TRY004 - of the file's content
    return value
