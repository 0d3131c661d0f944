"""The tables' streams, as the function that follows them is given their records."""

from collections.abc import Callable
from typing import Any

import boto3

from local.streams import Shard, is_wanted, patterns
from tests.support.contract import TEMPLATE
from tests.support.rows import tables

Records = list[dict[str, Any]]


def follow_streams() -> Callable[[int], Records]:
    """Return what returns the records that are new since it was last asked, made at a time.

    Only those that the template's filters let through, the users' before the sessions'.
    """
    streams = boto3.client("dynamodbstreams")
    mappings = TEMPLATE.resources_of("AWS::Lambda::EventSourceMapping").values()
    followed = {}
    for mapping in sorted(mappings, key=lambda each: each["EventSourceArn"], reverse=True):
        table = mapping["EventSourceArn"].partition(".")[0]
        stream = tables().describe_table(TableName=table)["Table"]["LatestStreamArn"]
        followed[table] = Shard(streams, stream, 1000), patterns(mapping)

    def new(at: int) -> Records:
        found: Records = []
        for shard, filters in followed.values():
            while records := shard.read():
                found += [record for record in records if is_wanted(record, filters)]
        for record in found:  # moto's clock is not the test's
            record["dynamodb"]["ApproximateCreationDateTime"] = at
        return found

    return new
