"""The tables' streams, as the function that follows them is given their records."""

from collections.abc import Callable
from typing import Any

from local.streams import Shard as _Shard
from local.streams import is_wanted
from local.streams import patterns as _patterns
from tests.calls import tables
from tests.contract import TEMPLATE

Records = list[dict[str, Any]]


def follow_streams() -> Callable[[int], Records]:
    """Return what returns the records that are new since it was last asked, made at a time.

    Only those that the template's filters let through, the users' before the sessions'.
    """
    import boto3  # noqa: PLC0415 - it needs the environment

    streams = boto3.client("dynamodbstreams")
    mappings = TEMPLATE.resources_of("AWS::Lambda::EventSourceMapping").values()
    followed = {}
    for mapping in sorted(mappings, key=lambda each: each["EventSourceArn"], reverse=True):
        table = mapping["EventSourceArn"].partition(".")[0]
        stream = tables().describe_table(TableName=table)["Table"]["LatestStreamArn"]
        followed[table] = _Shard(streams, stream, 1000), _patterns(mapping)

    def new(at: int) -> Records:
        found: Records = []
        for shard, patterns in followed.values():
            while records := shard.read():
                found += [record for record in records if is_wanted(record, patterns)]
        for record in found:  # moto's clock is not the test's
            record["dynamodb"]["ApproximateCreationDateTime"] = at
        return found

    return new
