"""The recipes of `examples/new-sign-in/`: what they are sent, and what they do with it."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.events.models import EventPattern
from moto.sesv2.models import sesv2_backends

from local.template import Template, arn, load_template
from sessions import event_bus
from sessions.dynamodb import USERS
from tests.support.bus import Bus
from tests.support.calls import call, invoke
from tests.support.clock import Clock
from tests.support.events import ROOT
from tests.support.people import begin_session, log_in, new_person
from tests.support.streams import follow_streams

pytestmark = pytest.mark.usefixtures("aws")

SENDER, PRODUCT, PAGE = "no-reply@example.com", "Example", "https://accounts.example.com/"
OF_BOTH = {"SessionsStack": "sessions"}
PARAMETERS = {
    "webhook": {"WebhookUrl": "https://example.com/hook", "WebhookKey": "k" * 32},
    "mail": {"UsersTable": USERS, "Sender": SENDER, "ProductName": PRODUCT, "PageUrl": PAGE},
}
EVIL = "https://evil.example/x www.evil.example a@evil.example evil。example"


def recipe(name: str) -> Template:
    path: Path = ROOT / "examples" / "new-sign-in" / f"{name}.yaml"
    return load_template(path, OF_BOTH | PARAMETERS[name])


@pytest.fixture
def delivered(
    aws: None, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], list[Any]]:
    """Return what publishes the changes since, and returns the events that reach a recipe."""
    bus, follow = Bus(), follow_streams()
    monkeypatch.setattr(event_bus, "eventbridge", bus)

    def deliver(name: str) -> list[Any]:
        invoke("publish_events", {"Records": follow(clock.now)})
        _, rule = recipe(name).only("AWS::Events::Rule")
        pattern = EventPattern(None, rule["EventPattern"])
        entries = [(entry, json.loads(entry["Detail"])) for entry in bus.entries]
        events = [
            {"source": entry["Source"], "detail-type": entry["DetailType"], "detail": detail}
            for entry, detail in entries
            if entry["EventBusName"] == rule["EventBusName"]
        ]
        return [event for event in events if pattern.matches_event(event)]

    return deliver


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_rule_lets_pass_what_began_at_a_new_place_and_nothing_else(clock, delivered, name):
    person = new_person()
    log_in(person)
    clock.now += 1
    token = log_in(person)
    begin_session(person)  # of which nobody can say it
    begin_session(person, by="anna@example.com")
    call("delete_all_sessions", token)
    events = delivered(name)
    told = sorted((event["detail-type"], event["detail"]["session"]) for event in events)
    assert told == [("SessionCreated", clock.now - 1), ("SessionCreated", clock.now + 2)]


@pytest.fixture
def mail(aws: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[Any]]:
    """Return what hands an event to the recipe's function, and returns the mails that it sends."""
    function = recipe("mail").resources_of("AWS::Lambda::Function")["MailNewSignInFunction"]
    for name, value in function["Environment"]["Variables"].items():
        monkeypatch.setenv(name, value)
    boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)
    code: dict[str, Any] = {}
    exec(compile(function["Code"]["ZipFile"], "mail.yaml", "exec"), code)  # noqa: S102
    sent = sesv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].core_backend.sent_messages

    def handle(event: Any) -> list[Any]:
        before = len(sent)
        code["handler"](event, SimpleNamespace())
        return sent[before:]

    return handle


def test_a_user_is_mailed_where_when_and_how(clock, delivered, mail):
    person = new_person()
    log_in(person)
    (event,) = delivered("mail")
    event["detail"] |= {"address": "203.0.113.7", "country": "CH"}
    (sent,) = mail(event)
    assert (sent.source, sent.destinations) == (SENDER, {"ToAddresses": [person.email]})
    assert sent.subject == "New sign-in to your Example account"
    assert sent.body == (
        "There is a new sign-in to your Example account.\n\n"
        "Device: Chrome on Windows\n"
        "Time: 2027-01-15 08:00 UTC\n"
        "From: 203.0.113.7, CH\n"
        "Signed in by: password\n\n"
        "If it was you, there is nothing to do. If it was not, end this session here:\n"
        f"{PAGE}\n"
        "and change your password.\n"
    )


def test_what_is_not_known_is_left_out_and_who_acts_for_the_user_is_named(clock, delivered, mail):
    begin_session(new_person(), by="anna", method="support")
    (sent,) = mail(*delivered("mail"))
    assert "From:" not in sent.body
    assert "Signed in by: support\nOn your behalf by: anna\n" in sent.body


@pytest.mark.parametrize(
    "name", [EVIL[:64], EVIL[-64:], "a\u2028b", "x\u0600y", "Evil <b>x</b> [x](y)", "…", "7.7.7.7"]
)
def test_a_name_makes_no_link_and_no_line(clock, delivered, mail, name):
    """Whoever signs in chooses it."""
    log_in(new_person(), name=name)
    (event,) = delivered("mail")
    usual = mail(event | {"detail": event["detail"] | {"name": "X"}})[0].body.splitlines()
    lines = mail(event)[0].body.splitlines()
    assert set(usual) - set(lines) == {"Device: X"}
    named = [line for line in lines if line not in usual]
    assert len(named) <= 1
    assert not [sign for sign in ".:/@<>[]()。" if sign in "".join(named).partition(": ")[2]]


def test_nobody_is_mailed_of_a_user_that_is_gone(clock, delivered, mail):
    person = new_person()
    log_in(person)
    (event,) = delivered("mail")
    invoke("delete_user", {"id": person.id})
    assert mail(event) == []


def test_the_function_may_read_addresses_and_send_from_one_and_nothing_else():
    template = recipe("mail")
    role = template.resources["MailNewSignInFunctionRole"]["Properties"]
    granted = {
        statement["Action"]: statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    }
    assert granted.keys() == {"dynamodb:GetItem", "ses:SendEmail", "sqs:SendMessage"}
    assert granted["dynamodb:GetItem"]["Resource"] == arn("AWS::DynamoDB::Table", USERS)
    attributes = granted["dynamodb:GetItem"]["Condition"]["ForAllValues:StringEquals"]
    assert attributes == {"dynamodb:Attributes": ["id", "email"]}
    sender = granted["ses:SendEmail"]["Condition"]["StringEquals"]
    assert sender == {"ses:FromAddress": SENDER}


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_is_not_delivered_is_kept_in_a_queue_that_the_rule_may_write_to(name):
    template = recipe(name)
    rule_name, rule = template.only("AWS::Events::Rule")
    queue = template.only("AWS::SQS::Queue")[0]
    _, policy = template.only("AWS::SQS::QueuePolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert policy["Queues"] == [queue]
    assert statement["Resource"] == arn("AWS::SQS::Queue", queue)
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": arn("AWS::Events::Rule", rule_name)}
    }
    (target,) = rule["Targets"]
    assert target["DeadLetterConfig"]["Arn"] == statement["Resource"]
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 86_400
