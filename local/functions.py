"""The Lambda functions of the template, run in this process.

Lambda gives each function a process of its own; here they share one, which shows what they
share by mistake, and is why their environments must agree.
"""

import importlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from local.intrinsics import REGION, TemplateError, as_text
from local.template import Template, arn

Handler = Callable[[Any, Any], Any]

# Lambda quotas: 6 MB for a synchronous invocation, there and back; an answer has 100 bytes more, by
# Lambda's own message.
MAX_EVENT_BYTES = 6 * 1024 * 1024
MAX_ANSWER_BYTES = MAX_EVENT_BYTES + 100


@dataclass(frozen=True)
class Function:
    """What the template says about one function."""

    name: str
    arn: str
    folder: Path
    handler: str
    timeout_seconds: int
    memory_megabytes: int
    environment: dict[str, str]
    layers: tuple[Path, ...]


class FunctionError(Exception):
    """A function raised an exception; `kind` is the name of its class, as Lambda reports it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    def report(self) -> dict[str, str]:
        """Return what Lambda answers in place of a result."""
        return {"errorMessage": self.message, "errorType": self.kind}


def functions_of(template: Template) -> dict[str, Function]:
    """Return every function of the template by its logical ID."""
    contents = {
        name: template.root / properties["Content"]["S3Key"]
        for name, properties in template.resources_of("AWS::Lambda::LayerVersion").items()
    }
    return {
        name: Function(
            name=name,
            arn=arn("AWS::Lambda::Function", name),
            folder=template.root / properties["Code"]["S3Key"],
            handler=properties["Handler"],
            timeout_seconds=int(properties.get("Timeout", 3)),  # Lambda's default
            memory_megabytes=int(properties.get("MemorySize", 128)),  # Lambda's default
            environment={
                key: as_text(value)
                for key, value in properties.get("Environment", {}).get("Variables", {}).items()
            },
            layers=tuple(contents[layer] for layer in properties.get("Layers", ())),
        )
        for name, properties in template.resources_of("AWS::Lambda::Function").items()
    }


def logical_id(folder: str) -> str:
    """Return what the template calls the function of a folder, such as `get_session`."""
    return "".join(map(str.capitalize, folder.split("_"))) + "Function"


def find_function(functions: Iterable[Function], name: str) -> Function | None:
    """Return the function of that logical ID or folder, if there is one."""
    found = (each for each in functions if name in (each.name, each.folder.name))
    return next(found, None)


def runtime_environment(endpoint: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what Lambda's runtime, not the template, tells a function; "" is AWS itself."""
    if not endpoint:
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or REGION
        return {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_ENDPOINT_URL": ""}
    runtime = {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "no_proxy": "127.0.0.1,localhost",
    }
    if "AWS_ACCESS_KEY_ID" not in environ:  # an engine on this machine checks no signature
        runtime |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    return runtime


def shared_environment(functions: Iterable[Function]) -> dict[str, str]:
    """Return the variables of all functions, which share a process and so must agree."""
    shared: dict[str, str] = {}
    for function in functions:
        for name, value in function.environment.items():
            if shared.setdefault(name, value) != value:
                raise TemplateError(f"{function.name} has another {name} than other functions")
    return shared


def load_handlers(
    functions: Mapping[str, Function], runtime: Mapping[str, str]
) -> dict[str, Handler]:
    """Set the environment, then import every handler, as Lambda does at a cold start."""
    os.environ.update({**shared_environment(functions.values()), **runtime})
    return {name: load_handler(function) for name, function in functions.items()}


def folders_of(functions: Iterable[Function]) -> set[Path]:
    """Return the folders of the code of functions and of their layers."""
    return {folder for function in functions for folder in (function.folder, *function.layers)}


@contextmanager
def modules_anew(folders: Iterable[Path]) -> Iterator[None]:
    """Let the block import the modules of these folders again; if it fails, all is as it was.

    What runs meanwhile goes on with the modules that it has.
    """
    environment, before = dict(os.environ), _modules_of(folders)
    # Bytecode counts as that of a file of the same second and size: it may be of an older text.
    sys.dont_write_bytecode = True
    for name in before:
        del sys.modules[name]
    try:
        yield
    except BaseException:
        for name in _modules_of(folders):
            del sys.modules[name]
        sys.modules.update(before)
        os.environ.clear()
        os.environ.update(environment)
        raise


def _modules_of(folders: Iterable[Path]) -> dict[str, ModuleType]:
    roots = tuple(f"{folder}{os.sep}" for folder in folders)
    return {
        name: module
        for name, module in sys.modules.copy().items()  # which other threads change, too
        if (getattr(module, "__file__", None) or "").startswith(roots)
    }


def load_handler(function: Function) -> Handler:
    """Import one handler; its layers go on the path, as Lambda puts /opt/python there."""
    for layer in function.layers:
        if str(layer) not in sys.path:
            sys.path.insert(0, str(layer))
    module_name, _, attribute = function.handler.rpartition(".")
    file = function.folder / f"{module_name}.py"
    # All of them are called `app`: only the logical ID tells them apart.
    spec = importlib.util.spec_from_file_location(f"{function.name}.{module_name}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise TemplateError(f"{function.name}: there is no {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    handler: Handler | None = getattr(module, attribute, None)
    if handler is None:
        raise TemplateError(f"{function.name}: there is no {attribute} in {file}")
    return handler


def invoke(function: Function, handler: Handler, event: Any, request_id: str) -> Any:
    """Call a handler as Lambda does: JSON in, JSON out, any exception a `FunctionError`.

    Source: Lambda Developer Guide, "Using the Lambda context object to retrieve Python function
    information"; the memory is a string in AWS's own runtime, awslambdaric.
    """
    deadline = time.monotonic() + function.timeout_seconds
    context = SimpleNamespace(
        function_name=function.name,
        function_version="$LATEST",
        invoked_function_arn=function.arn,
        memory_limit_in_mb=str(function.memory_megabytes),
        aws_request_id=request_id,
        log_group_name=f"/aws/lambda/{function.name}",
        log_stream_name="local",
        identity=None,
        client_context=None,
        get_remaining_time_in_millis=lambda: max(0, int((deadline - time.monotonic()) * 1000)),
    )
    try:
        answer = json.loads(json.dumps(handler(json.loads(json.dumps(event)), context)))
    except (Exception, SystemExit) as error:
        raise FunctionError(type(error).__name__, str(error)) from error
    if size_of(answer) > MAX_ANSWER_BYTES:
        reason = f"exceeded maximum allowed payload size ({MAX_ANSWER_BYTES} bytes)."
        raise FunctionError("Function.ResponseSizeTooLarge", f"Response payload size {reason}")
    return answer


def size_of(payload: Any) -> int:
    """Return how many bytes Lambda takes a payload for."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode(errors="surrogatepass"))
