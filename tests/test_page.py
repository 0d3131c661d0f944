"""The page in AWS: what the template makes of it, which nobody can run here."""

import itertools
import json
from pathlib import Path

import pytest

from local.intrinsics import Scope
from local.template import load_template
from tests.support.contract import API, TEMPLATE

ROOT = Path(__file__).parents[1]
WITH_PAGE = load_template(parameters={"Page": "true"})
OF_ITS_OWN = load_template(
    parameters={"Page": "true", "PageDomainName": "my.example.com", "PageCertificateArn": "arn"}
)


def distribution(template=WITH_PAGE):
    return template.only("AWS::CloudFront::Distribution")[1]["DistributionConfig"]


def variables(template):
    functions = template.resources_of("AWS::Lambda::Function").values()
    return {function["Environment"]["Variables"]["PAGE_SECRET"] for function in functions}


def test_without_the_page_nothing_of_it_is_there():
    def parts(template):
        return {name for name in template.resources if name.startswith("Page")}

    assert parts(TEMPLATE) == set()
    assert parts(WITH_PAGE) == {
        "PageAccess",
        "PageBucket",
        "PageBucketPolicy",
        "PageDistribution",
        "PageHeaders",
        "PageSecret",
        "PageViewerAddress",
    }
    assert variables(TEMPLATE) == {""}


def test_the_page_answers_with_the_headers_that_it_is_developed_with():
    _, policy = WITH_PAGE.only("AWS::CloudFront::ResponseHeadersPolicy")
    config = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert all(header["Override"] is True for header in config.values())
    transport = config["StrictTransportSecurity"]
    headers = {
        "Content-Security-Policy": config["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        "Referrer-Policy": config["ReferrerPolicy"]["ReferrerPolicy"],
        "X-Content-Type-Options": "nosniff",
    }
    assert "ContentTypeOptions" in config
    assert headers == json.loads((ROOT / "web" / "headers.json").read_text())
    # This one only makes sense over TLS, which the development gateway has not.
    assert transport["IncludeSubdomains"] is True
    given = API["x-amazon-apigateway-gateway-responses"]["DEFAULT_4XX"]["responseParameters"]
    of_the_api = given["gatewayresponse.header.Strict-Transport-Security"].strip("'")
    assert of_the_api == f"max-age={transport['AccessControlMaxAgeSec']}; includeSubDomains"
    assert distribution()["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == "PageHeaders"


def test_nobody_but_the_distribution_reads_the_bucket():
    bucket, properties = WITH_PAGE.only("AWS::S3::Bucket")
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = WITH_PAGE.only("AWS::S3::BucketPolicy")[1]["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {
            "StringEquals": {
                "AWS:SourceArn": "arn:aws:cloudfront::000000000000:distribution/PageDistribution"
            }
        },
    }


def test_the_api_is_behind_the_same_domain_and_nothing_of_it_is_kept():
    config = distribution()
    origins = {origin["Id"]: origin for origin in config["Origins"]}
    behaviors = {behavior["PathPattern"]: behavior for behavior in config["CacheBehaviors"]}
    stage = WITH_PAGE.only("AWS::ApiGateway::Stage")[1]["StageName"]
    assert set(behaviors) == {f"/{stage}", f"/{stage}/*"}  # so the path is the API's own
    for behavior in behaviors.values():
        assert behavior["TargetOriginId"] == "api"
        assert behavior["ViewerProtocolPolicy"] == "https-only"
        # AWS's managed policies CachingDisabled and AllViewerExceptHostHeader.
        assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
        used = {method.upper() for methods in API["paths"].values() for method in methods}
        assert used - {"X-AMAZON-APIGATEWAY-ANY-METHOD"} <= set(behavior["AllowedMethods"])
    api = origins["api"]
    assert api["DomainName"] == "SessionsApi.execute-api.us-east-1.amazonaws.com"
    assert api["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert "OriginPath" not in api
    # Those that CloudFront keeps whatever Cache-Control says, but 414, which the API never answers.
    kept = {error["ErrorCode"]: error for error in config["CustomErrorResponses"]}
    assert set(kept) == {404, 500, 501, 502, 503, 504}
    assert all(error["ErrorCachingMinTTL"] == 0 for error in kept.values())
    # A page instead of an error would hide what the API says.
    assert not any("ResponsePagePath" in error for error in kept.values())


def test_what_cloudfront_sends_along_is_what_the_functions_expect():
    api = next(origin for origin in distribution()["Origins"] if origin["Id"] == "api")
    (header,) = api["OriginCustomHeaders"]
    assert header["HeaderName"].lower() == "x-page-secret"
    assert variables(WITH_PAGE) == {header["HeaderValue"]}
    assert header["HeaderValue"] == "{{resolve:secretsmanager:PageSecret:SecretString}}"
    _, function = WITH_PAGE.only("AWS::CloudFront::Function")
    assert (
        "event.request.headers['x-viewer-address'] = {value: event.viewer.ip}"
        in (function["FunctionCode"])
    )
    for behavior in distribution()["CacheBehaviors"]:
        (association,) = behavior["FunctionAssociations"]
        assert association["EventType"] == "viewer-request"


def authorizer_ttl(template, name):
    definition = template.only("AWS::ApiGateway::RestApi")[1]["Body"]
    scheme = definition["securityDefinitions"][name]
    return scheme["x-amazon-apigateway-authorizer"]["authorizerResultTtlInSeconds"]


def test_who_pays_for_a_log_in_is_asked_anew_where_many_come_from_one_address():
    assert authorizer_ttl(TEMPLATE, "LoginAuthorizer") == 300
    assert authorizer_ttl(WITH_PAGE, "LoginAuthorizer") == 0
    for template in (TEMPLATE, WITH_PAGE):
        assert authorizer_ttl(template, "SessionAuthorizer") == 300


def test_the_pages_domain_is_cloudfronts_until_it_has_one_of_its_own():
    assert distribution()["ViewerCertificate"] == {"CloudFrontDefaultCertificate": True}
    assert "Aliases" not in distribution()
    assert distribution(OF_ITS_OWN)["Aliases"] == ["my.example.com"]
    assert distribution(OF_ITS_OWN)["ViewerCertificate"] == {
        "AcmCertificateArn": "arn",
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }


def refusals(**given):
    """Return the names of the template's rules that refuse these parameters."""
    template = load_template(parameters=given)
    scope = Scope(template.parameters, {}, lambda name, _: name)
    return {
        name
        for name, rule in template.source["Rules"].items()
        if scope.resolve(rule["RuleCondition"])
        and not all(scope.resolve(each["Assert"]) for each in rule["Assertions"])
    }


@pytest.mark.parametrize(
    ("page", "limit", "domain", "certificate"),
    list(itertools.product(("false", "true"), (0, 100), ("", "my.example.com"), ("", "arn"))),
)
def test_what_does_not_go_together_is_refused(page, limit, domain, certificate):
    refused = refusals(
        Page=page, AddressRateLimit=limit, PageDomainName=domain, PageCertificateArn=certificate
    )
    expected = set()
    if page == "true" and limit:
        expected.add("PageIsNotRateLimitedByAddress")
    if domain and not certificate:
        expected.add("PageDomainHasItsCertificate")
    if certificate and not domain:
        expected.add("PageCertificateHasItsDomain")
    assert refused == expected
