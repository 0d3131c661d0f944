"""The suite keeps to tables of its own, and so may run in an account that has others."""

import pytest

from sessions import account_store, dynamodb
from tests.support.contract import TEMPLATE


@pytest.mark.parametrize("table", TEMPLATE.resources_of("AWS::DynamoDB::Table"))
def test_a_table_that_the_suite_has_not_made_is_not_reached(table):
    for call in (
        lambda: dynamodb.client.get_item(TableName=table, Key={"id": {"S": "u"}}),
        lambda: dynamodb.get_items({dynamodb.USERS: [{"id": {"S": "u"}}], table: [{}]}),
        lambda: dynamodb.transact([account_store._put_new(table, "id", {})]),
    ):
        with pytest.raises(pytest.fail.Exception, match=f"has not made .*{table}"):
            call()
