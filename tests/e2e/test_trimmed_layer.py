"""What layers/trim.py leaves of botocore does what the whole of it does, for what we call."""

import json
import re
import ssl
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.session import Session

from tests.e2e.built import BARE_PYTHON, BUILT, ROOT

WHOLE = Path(botocore.__file__).parent
TRIMMED = BUILT / "SessionsLayer" / "python" / "botocore"
# One call of each service, of those that are made with few parameters.
CALLS = {
    "dynamodb": ("get_item", {"TableName": "t", "Key": {"id": {"S": "x"}}}),
    "events": ("put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]}),
    "secretsmanager": ("get_secret_value", {"SecretId": "s"}),
}
YEAR_SECONDS = 365 * 86_400


@cache
def session_of(folder: Path) -> Session:
    """Return a session that knows of AWS what is described in a folder, and nothing else."""
    session = Session()
    loader = Loader(extra_search_paths=[str(folder / "data")], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    session.set_credentials("key", "secret")
    return session


def model_of(folder: Path, service: str) -> ServiceModel:
    return session_of(folder).get_service_model(service)


def every_region() -> list[str]:
    partitions = json.loads((WHOLE / "data" / "endpoints.json").read_text())["partitions"]
    return [region for partition in partitions for region in partition["regions"]]


def test_the_layer_is_compared_with_its_own_version_of_botocore():
    (found,) = TRIMMED.parent.glob("botocore-*.dist-info")

    assert found.name == f"botocore-{botocore.__version__}.dist-info"


@pytest.mark.parametrize("service", CALLS)
def test_the_sources_call_the_operations_that_are_left(service: str):
    """By a method of a client, or by the method's name."""
    sources = [*ROOT.glob("layers/sessions/sessions/*.py"), *ROOT.glob("functions/*/app.py")]
    text = "\n".join(source.read_text() for source in sources)
    called = {
        operation
        for operation in model_of(WHOLE, service).operation_names
        if re.search(rf'[."]{xform_name(operation)}\b', text)
    }

    assert set(model_of(TRIMMED, service).operation_names) == called


@pytest.mark.parametrize("service", CALLS)
def test_an_operation_that_is_left_is_described_as_before(service: str):
    whole, trimmed = model_of(WHOLE, service), model_of(TRIMMED, service)

    assert trimmed.metadata == whole.metadata
    for name in trimmed.operation_names:
        for side in ("input_shape", "output_shape"):
            assert described(getattr(trimmed.operation_model(name), side)) == described(
                getattr(whole.operation_model(name), side)
            )
        assert errors_of(trimmed, name) == errors_of(whole, name)


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("region", every_region())
def test_a_call_goes_to_the_same_endpoint_in_every_region(service: str, region: str):
    assert request_of(TRIMMED, service, region) == request_of(WHOLE, service, region)


def request_of(folder: Path, service: str, region: str) -> tuple[str, str]:
    """Return where a call goes, and for which region and service it is signed."""
    client = session_of(folder).create_client(
        service, region_name=region, config=Config(parameter_validation=False)
    )
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, _Raw())

    client.meta.events.register("before-send", answer)
    method, parameters = CALLS[service]
    getattr(client, method)(**parameters)
    (request,) = sent
    signed = re.search(r"Credential=key/\d{8}/([^,]+)", str(request.headers["Authorization"]))
    assert signed, request.headers
    return request.url, signed[1]


class _Raw:
    def stream(self, **_: Any) -> list[bytes]:
        return [b"{}"]


def described(shape: Any, above: tuple[str, ...] = ()) -> Any:
    """Return all that a shape says, its words aside; one that holds itself is named within."""
    if shape is None or shape.name in above:
        return shape and shape.name
    above = (*above, shape.name)
    said = {"type": shape.type_name, **shape.serialization, **shape.metadata}
    said |= {name: described(each, above) for name, each in getattr(shape, "members", {}).items()}
    parts = {"list": ["member"], "map": ["key", "value"]}.get(shape.type_name, [])
    return said | {part: described(getattr(shape, part), above) for part in parts}


def errors_of(model: ServiceModel, name: str) -> list[str]:
    return [shape.name for shape in model.operation_model(name).error_shapes]


def test_the_cipher_that_is_left_is_aes_in_counter_mode(layers: Path):
    """By the first block of NIST SP 800-38A, F.5.5."""
    key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
    counter, plain = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "6bc1bee22e409f96e93d7e117393172a"
    program = (
        "import sys; from Cryptodome.Cipher import AES;"
        "key, counter, plain = map(bytes.fromhex, sys.argv[1:]);"
        "cipher = AES.new(key, AES.MODE_CTR, nonce=b'', initial_value=counter);"
        "print(cipher.encrypt(plain).hex())"
    )
    run = subprocess.run(
        [*BARE_PYTHON, "-c", program, key, counter, plain],
        env={"PYTHONPATH": str(layers / "PasswordsLayer" / "python")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == "601ec313775789a5b7a7f504bbf3d228"


def test_the_roots_that_are_left_are_amazons_and_last_for_years():
    """Their turn comes with botocore's: they are picked from its bundle by their names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(TRIMMED / "cacert.pem")
    roots = context.get_ca_certs()

    names = {dict(pair[0] for pair in root["subject"])["commonName"] for root in roots}
    assert names == {
        *(f"Amazon Root CA {number}" for number in (1, 2, 3, 4)),
        "Starfield Services Root Certificate Authority - G2",
    }
    made = (TRIMMED / "cacert.pem").stat().st_mtime
    for root in roots:
        assert ssl.cert_time_to_seconds(root["notAfter"]) > made + 5 * YEAR_SECONDS
