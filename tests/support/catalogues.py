"""Catalogues of models that the tests' own server has."""

import hashlib
import json
from pathlib import Path

from app.paths import resources_dir


def write_catalogue(path: Path, address: str, content: bytes, *names: str) -> Path:
    """One model for each name, all of the same content; no server but the one at `address`."""
    shipped = json.loads((resources_dir() / "models" / "catalogue.json").read_text("utf-8"))
    [base] = [row for row in shipped["models"] if row["name"] == "base-q5_1"]
    served = {"n_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    models = [base | served | {"name": name, "file": f"ggml-{name}.bin"} for name in names]
    path.write_text(json.dumps(shipped | {"models": models, "mirrors": [address]}), encoding="utf-8")
    return path
