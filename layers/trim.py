"""Remove from a layer the data that no function uses and every cold start would read.

layers/Makefile runs it on the folder where a layer's packages are. It stops the build where a new
version of a package is not as it knows it; what it leaves is compared with the originals by
tests/e2e/test_trimmed_layer.py. What each step brought is in docs/performance.md.
"""

import gzip
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The calls of AWS that the layer and the functions make.
OPERATIONS = {
    "dynamodb": {
        *("BatchGetItem", "BatchWriteItem", "GetItem", "PutItem", "Query", "Scan"),
        *("TransactWriteItems", "UpdateItem"),
    },
    "events": {"PutEvents"},
    "secretsmanager": {"GetSecretValue", "PutSecretValue"},
}
# Amazon Trust Services' roots, one of which signs for every endpoint of AWS ("Amazon Trust
# Services Repository"); AWS asks its clients to trust all five.
ROOTS = {
    *("Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3", "Amazon Root CA 4"),
    "Starfield Services Root Certificate Authority - G2",
}
# In botocore's place of them: the words of an API, for a reader at a prompt.
NO_DOCSTRINGS = '''\
"""No docstrings: those of botocore take a whole package to make (layers/trim.py)."""


class ClientMethodDocstring(str):
    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)


class WaiterDocstring(ClientMethodDocstring):
    pass


class PaginatorDocstring(ClientMethodDocstring):
    pass
'''

# What is left of pycryptodomex: AES in counter mode, of all its ciphers, hashes and curves.
AES_CTR = {
    "Cipher": {"__init__", "AES", "_mode_ctr", "_raw_aes", "_raw_ctr"},
    "Random": {"__init__"},
    "Util": {
        *("__init__", "_cpu_features", "_cpuid_c", "_file_system", "_raw_api"),
        *("Counter", "number", "py3compat"),
    },
}

_CERTIFICATE = re.compile(r'# Label: "(?P<label>[^"]+)"\n.*?-----END CERTIFICATE-----\n', re.DOTALL)


def main(packages: Path) -> None:
    """Trim the packages that are there."""
    botocore, urllib3, cryptodome = (
        packages / name for name in ("botocore", "urllib3", "Cryptodome")
    )
    if botocore.exists():
        _trim_services(botocore / "data")
        _edit(botocore / "data" / "endpoints.json", _own_services)
        _edit(botocore / "cacert.pem", _own_roots)
        _edit(botocore / "docs" / "docstring.py", _no_docstrings)
        _edit(botocore / "docs" / "__init__.py", lambda _: "")
        for module in (botocore / "docs").glob("*"):
            if module.name not in {"__init__.py", "docstring.py", "utils.py"}:
                _remove(module)
    if urllib3.exists():
        # HTTP/2, which nothing here asks for, looks for an installed package at its import.
        _edit(urllib3 / "http2" / "__init__.py", _no_http2)
    if cryptodome.exists():
        _trim_ciphers(cryptodome)


def _trim_ciphers(cryptodome: Path) -> None:
    for folder in [path for path in cryptodome.iterdir() if path.is_dir()]:
        if folder.name not in AES_CTR:
            _remove(folder)
    for name, modules in AES_CTR.items():
        files = list((cryptodome / name).iterdir())
        if missing := modules - {file.name.partition(".")[0] for file in files}:
            sys.exit(f"pycryptodomex lacks what layers/trim.py keeps of it: {missing}")
        for file in files:
            if file.name.partition(".")[0] not in modules:
                _remove(file)


def _trim_services(data: Path) -> None:
    for service in data.iterdir():
        if service.is_dir() and service.name not in OPERATIONS:
            _remove(service)
    for service, operations in OPERATIONS.items():
        *older, newest = sorted((data / service).iterdir())
        for version in older:
            _remove(version)
        for file in list(newest.iterdir()):
            if file.name in {"service-2.json.gz", "endpoint-rule-set-1.json.gz"}:
                content = json.loads(gzip.decompress(file.read_bytes()))
                if "operations" in content:
                    content = _reachable(_without_words(content), operations)
                # Not compressed: reading it is what takes time.
                file.with_suffix("").write_text(json.dumps(content, separators=(",", ":")))
            if not file.name.endswith(".sdk-extras.json"):  # a correction of the description
                file.unlink()


def _without_words(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _without_words(value)
            for key, value in node.items()
            if not (key == "documentation" and isinstance(value, str))
        }
    return [_without_words(value) for value in node] if isinstance(node, list) else node


def _reachable(service: Any, operations: set[str]) -> Any:
    """Return the description of a service with some operations, and the shapes that they use."""
    kept = {name: service["operations"][name] for name in sorted(operations)}
    shapes: dict[str, Any] = {}
    unread: list[Any] = [*kept.values()]
    while unread:
        node = unread.pop()
        if isinstance(node, list):
            unread += node
        elif isinstance(node, dict):
            unread += node.values()
            shape = node.get("shape")
            if isinstance(shape, str) and shape not in shapes:
                shapes[shape] = service["shapes"][shape]
                unread.append(shapes[shape])
    return {**service, "operations": kept, "shapes": shapes}


def _own_services(endpoints: str) -> str:
    content = json.loads(endpoints)
    for partition in content["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in OPERATIONS if name in services}
    return json.dumps(content, separators=(",", ":"))


def _own_roots(bundle: str) -> str:
    found = {match["label"]: match[0] for match in _CERTIFICATE.finditer(bundle)}
    return "\n".join(found[label] for label in sorted(ROOTS))


def _no_docstrings(module: str) -> str:
    made = set(re.findall(r"^class (\w+)\(LazyLoadedDocstring\)", module, re.MULTILINE))
    if made != {"ClientMethodDocstring", "WaiterDocstring", "PaginatorDocstring"}:
        sys.exit(f"botocore has other docstrings than layers/trim.py knows: {made}")
    return NO_DOCSTRINGS


def _no_http2(module: str) -> str:
    if "def inject_into_urllib3" not in module:
        sys.exit("urllib3 has another HTTP/2 than layers/trim.py knows")
    return ""


def _edit(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text()))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
