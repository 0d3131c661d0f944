import os

import botocore.session


class UserTaken(Exception):
    pass


def store(event):
    dynamodb = botocore.session.get_session().create_client("dynamodb")
    try:
        dynamodb.put_item(
            TableName=os.environ["TABLE"],
            Item={"id": {"S": event["username"]}},
            ConditionExpression="attribute_not_exists(id)",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        raise UserTaken("the name is taken") from None
    return {"id": event["username"]}
