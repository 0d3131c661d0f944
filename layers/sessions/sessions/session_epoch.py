"""The session epoch: one counter for all users. Sessions of an earlier epoch are revoked.

One item serves 3,000 strongly consistent reads a second (DynamoDB Developer Guide, "Burst and
adaptive capacity"), and every request reads the epoch. So it stands in as many rows of the table
Users, its shards, and a reader looks into one of them.
"""

import zlib
from collections.abc import Iterable

from sessions.items import Item

# Changing EPOCH_SHARDS needs a migration: copy the epoch to the new rows first.
EPOCH_SHARDS = 16


def shard_key(reader: str) -> Item:
    """Return the key of the row that `reader`, a user's ID or a login, looks into."""
    return _key(zlib.crc32(reader.encode()) % EPOCH_SHARDS)


def epoch_in(items: Iterable[Item]) -> int:
    """Return the epoch that the `items` of the table Users hold; 0 before it was ever advanced."""
    return max(
        (int(item["session_epoch"]["N"]) for item in items if "session_epoch" in item), default=0
    )


def is_first_shard(key: Item) -> bool:
    """Say whether `key` is that of the one row whose changes are published."""
    return key == _key(0)


def every_shard() -> list[Item]:
    """Return the keys of all the rows."""
    return [_key(shard) for shard in range(EPOCH_SHARDS)]


def _key(shard: int) -> Item:
    return {"id": {"S": f"session_epoch#{shard}"}}  # users' IDs have no such character
