"""The suite can be let into an account: it keeps to tables of its own."""

import pytest

from sessions import account_store, dynamodb
from tests.support.contract import TEMPLATE


@pytest.mark.parametrize("table", TEMPLATE.resources_of("AWS::DynamoDB::Table"))
def test_a_table_that_the_suite_has_not_made_is_out_of_its_reach(table):
    for reach in (
        lambda: dynamodb.client.get_item(TableName=table, Key={"id": {"S": "u"}}),
        lambda: dynamodb.get_items({dynamodb.USERS: [{"id": {"S": "u"}}], table: [{}]}),
        lambda: dynamodb.transact([account_store._put_new(table, "id", {})]),
    ):
        with pytest.raises(pytest.fail.Exception, match=f"has not made .*{table}"):
            reach()
