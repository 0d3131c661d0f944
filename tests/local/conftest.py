"""A small project of our own, so that what the gateway does is not tied to what ours says."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.functions import functions_of, load_handler
from local.gateway import Gateway
from local.routes import api_of
from local.server import application
from local.template import Template, load_template
from local.usage_plan import UsagePlans

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  AllowedOrigins: {Type: CommaDelimitedList, Default: "https://a.example, https://b.example"}
  Burst: {Type: Number, Default: 3}
Globals:
  Function:
    Runtime: python3.13
    Handler: app.handler
    Timeout: 5
    Layers: [!Ref Layer]
    Environment: {Variables: {TABLE: !Ref Table, ORIGINS: !Join [",", !Ref AllowedOrigins]}}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      OpenApiVersion: "2.0"
      BinaryMediaTypes: [multipart~1form-data]
      ApiKeySourceType: AUTHORIZER
      Auth:
        AddDefaultAuthorizerToCorsPreflight: false
        Authorizers:
          Token:
            FunctionArn: !GetAtt Authorize.Arn
            FunctionPayloadType: REQUEST
            Identity: {Headers: [Authorization], ReauthorizeEvery: 300}
      GatewayResponses:
        UNAUTHORIZED:
          StatusCode: 401
          ResponseTemplates: {application/json: '{"id":"$context.requestId"}'}
          ResponseParameters:
            Headers:
              WWW-Authenticate: "'Bearer'"
              X-Request-Id: context.requestId
              X-Principal: context.authorizer.principalId
        DEFAULT_5XX: {StatusCode: 500, ResponseTemplates: {application/json: '{"oops":true}'}}
      MergeDefinitions: true
      DefinitionBody:
        swagger: "2.0"
        info: {title: test, version: "1"}
        securityDefinitions:
          api_key: {type: apiKey, in: header, name: x-api-key}
        paths:
          /mock/{id}:
            x-amazon-apigateway-any-method:
              responses: {}
              x-amazon-apigateway-integration:
                type: mock
                passthroughBehavior: never
                requestTemplates: {application/json: '{"statusCode": 200}'}
                responses:
                  default:
                    statusCode: "201"
                    responseTemplates:
                      application/json: |
                        #set($context.responseOverride.header.X-Method = $context.httpMethod)
                        {"id": "$input.params().path.get("id")"}
          /through:
            post:
              responses: {}
              x-amazon-apigateway-integration:
                type: mock
                responses: {default: {statusCode: "200"}}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/echo
      Events:
        Open: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /open, Method: GET}}
        Sent: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /open, Method: POST}}
        Item: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/items/{id}", Method: GET}}
        All: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/files/{path+}", Method: GET}}
        Closed:
          Type: Api
          Properties:
            RestApiId: !Ref Api
            Path: /closed
            Method: GET
            Auth: {Authorizer: Token, ApiKeyRequired: true}
  Authorize:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/authorize}
  CreateUserFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/create_user}
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layer}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
      SSESpecification: {SSEEnabled: true}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString:
        SecretStringTemplate: '{"current": "a"}'
        GenerateStringKey: a
        PasswordLength: 48
        ExcludePunctuation: true
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties:
      Throttle: {RateLimit: 1, BurstLimit: !Ref Burst}
      Quota: {Limit: 5, Period: DAY}
      ApiStages:
        - ApiId: !Ref Api
          Stage: !Ref Api.Stage
          Throttle: {/login/POST: {RateLimit: 1, BurstLimit: 1}}
  Key:
    Type: AWS::ApiGateway::ApiKey
    Properties: {Enabled: true, Value: !Sub "${AWS::StackName}-key"}
  PlanKey:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}
  OtherKey:
    Type: AWS::ApiGateway::ApiKey
    Properties: {Enabled: true, Value: another-key}
  OtherPlanKey:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref OtherKey, KeyType: API_KEY, UsagePlanId: !Ref Plan}
  DisabledKey:
    Type: AWS::ApiGateway::ApiKey
    Properties: {Enabled: false, Value: disabled-key}
  DisabledPlanKey:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref DisabledKey, KeyType: API_KEY, UsagePlanId: !Ref Plan}
"""
ECHO = """
import json
import threading

go_on = threading.Event()


def handler(event, context):
    wish = (event["queryStringParameters"] or {}).get("wish")
    if wish == "raise":
        raise ValueError("a secret of ours")
    if wish == "exit":
        raise SystemExit(3)
    if wish == "hang":
        go_on.wait(20)
    if wish == "malformed":
        return {"body": 1}
    return {"statusCode": 200, "headers": {"X-A": "1"}, "body": json.dumps(event)}
"""
AUTHORIZE = """
calls = []


def handler(event, context):
    calls.append(event)
    headers = {name.lower(): value for name, value in event["headers"].items()}
    token = headers["authorization"]
    if token == "unauthorized":
        raise Exception("Unauthorized")
    if token == "broken":
        raise Exception("something else")
    if token == "malformed":
        return {"principalId": "x"}
    effect = "Deny" if token == "denied" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": "*"}
    return {
        "principalId": "user-" + token,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "usageIdentifierKey": "unknown" if token == "keyless" else "sessions-key",
        "context": {"number": 1, "truth": True},
    }
"""
CREATE_USER = """
from shared_by_all import store


def handler(event, context):
    print("creating")
    return store(event)
"""
LAYER = """
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
"""

Call = Callable[..., httpx.Response]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def write_project(folder: Path) -> Path:
    files = {
        "template.yaml": TEMPLATE,
        "functions/echo/app.py": ECHO,
        "functions/authorize/app.py": AUTHORIZE,
        "functions/create_user/app.py": CREATE_USER,
        "layer/shared_by_all.py": LAYER,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "template.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A template of a test's own, with functions that it may run in another process."""
    return write_project(tmp_path)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return load_template(write_project(tmp_path_factory.mktemp("project")))


@pytest.fixture(scope="session")
def ours() -> Template:
    return load_template()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def gateway(template: Template, clock: Clock, log: list[str]) -> Iterator[Gateway]:
    api, functions = api_of(template), functions_of(template)
    handlers = {name: load_handler(functions[name]) for name in ("Echo", "Authorize")}
    plans = UsagePlans(template, api)
    with closing(
        Gateway(api, functions, handlers, plans=plans, log=log.append, clock=clock)
    ) as made:
        yield made


@pytest.fixture
def lines() -> list[str]:
    """What the console shows."""
    return []


@pytest.fixture
def call(gateway: Gateway, lines: list[str]) -> Call:
    """Send one request to the gateway, without a network."""
    transport = httpx.ASGITransport(application(gateway, lines.append))

    async def send(method: str, url: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, url, **more)

    return lambda *arguments, **more: asyncio.run(send(*arguments, **more))


@pytest.fixture
def go_on(gateway: Gateway) -> Iterator[threading.Event]:
    """What a hanging function waits for; it is set when the test is over."""
    event = gateway._handlers["Echo"].__globals__["go_on"]
    yield event
    event.set()
