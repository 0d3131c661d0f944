"""The environment of the template's functions: a plugin that is loaded before all others.

The layer reads its settings at import, as it does on Lambda, and makes its clients then. So the
settings stand, and moto is there to be hooked into botocore, before anything imports the layer.
"""

import os

import moto  # noqa: F401 - it hooks into botocore only for clients that are made after it

from local.functions import functions_of, runtime_environment, shared_environment
from tests.support.contract import TEMPLATE

os.environ.update(shared_environment(functions_of(TEMPLATE).values()))
# Where it is AWS that has to conform, region and credentials stay the caller's.
_aws = os.environ.get("CONFORMANCE_ENDPOINT") == "aws"
os.environ.update(runtime_environment("" if _aws else "http://127.0.0.1", os.environ))
os.environ["AWS_ENDPOINT_URL"] = ""
