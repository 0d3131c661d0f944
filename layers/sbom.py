"""Write beside each built layer what it is made of: a bill of materials, CycloneDX 1.6 as JSON.

`make build` runs it on the folder of `sam build`. It is not in the layer, which Lambda loads at
each cold start. A package has the hashes of the lock: those of all its files, of which pip took one
for Lambda's machines. CycloneDX's own tool puts those of a lock in the same place.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from sessionctl.version import VERSION

LAYERS = Path(__file__).parent
_PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+) \\\n(?P<hashes>(?: +--hash=.*\n?)+)", re.MULTILINE
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def main(built: Path) -> None:
    """Write one for each layer, from its lock."""
    for lock in LAYERS.glob("*/requirements.txt"):
        layer = "".join(word.title() for word in lock.parent.name.split("_")) + "Layer"
        bill = {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {"component": {"type": "library", "name": layer, "version": VERSION}},
            "components": [_component(pin) for pin in _PIN.finditer(lock.read_text())],
        }
        (built / f"{layer}.cdx.json").write_text(json.dumps(bill, indent=2) + "\n")


def _component(pin: re.Match[str]) -> dict[str, Any]:
    purl = f"pkg:pypi/{pin['name']}@{pin['version']}"
    hashes = [{"alg": "SHA-256", "content": each} for each in _HASH.findall(pin["hashes"])]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": pin["name"],
        "version": pin["version"],
        "purl": purl,
        "externalReferences": [{"type": "distribution", "url": purl, "hashes": hashes}],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
