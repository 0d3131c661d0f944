"""The page in AWS, as the template makes it: no emulator has CloudFront."""

import itertools
import json

import pytest

from local.intrinsics import Scope
from local.template import load_template
from tests.support.contract import API, TEMPLATE
from tests.support.events import ROOT

WITH_PAGE = load_template(parameters={"Page": "true"})
OF_ITS_OWN = load_template(
    parameters={"Page": "true", "PageDomainName": "my.example.com", "PageCertificateArn": "arn"}
)


def distribution(template=WITH_PAGE):
    return template.only("AWS::CloudFront::Distribution")[1]["DistributionConfig"]


def variables(template):
    functions = template.resources_of("AWS::Lambda::Function").values()
    return {function["Environment"]["Variables"]["PAGE_SECRET"] for function in functions}


def test_without_the_page_no_part_of_it_is_there():
    assert not [name for name in TEMPLATE.resources if name.startswith("Page")]
    assert {name for name in WITH_PAGE.resources if name.startswith("Page")} == {
        name for name in TEMPLATE.source["Resources"] if name.startswith("Page")
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


def test_the_distribution_alone_reads_the_bucket():
    bucket, properties = WITH_PAGE.only("AWS::S3::Bucket")
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = WITH_PAGE.only("AWS::S3::BucketPolicy")[1]["PolicyDocument"]["Statement"]
    source = "arn:aws:cloudfront::000000000000:distribution/PageDistribution"
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": source}},
    }


def test_the_api_is_behind_the_same_domain_and_no_answer_of_it_is_kept():
    config = distribution()
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
        (association,) = behavior["FunctionAssociations"]
        assert association["EventType"] == "viewer-request"
    # CloudFront keeps these whatever Cache-Control says; the API never answers 414, the last one.
    kept = {error["ErrorCode"]: error for error in config["CustomErrorResponses"]}
    assert set(kept) == {404, 500, 501, 502, 503, 504}
    assert all(error["ErrorCachingMinTTL"] == 0 for error in kept.values())
    # A page instead of an error would hide the API's answer.
    assert not any("ResponsePagePath" in error for error in kept.values())


def test_the_functions_expect_what_cloudfront_sends_along():
    api = next(origin for origin in distribution()["Origins"] if origin["Id"] == "api")
    assert api["DomainName"] == "SessionsApi.execute-api.us-east-1.amazonaws.com"
    assert api["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert "OriginPath" not in api
    (header,) = api["OriginCustomHeaders"]
    assert header["HeaderName"].lower() == "x-page-secret"
    assert variables(WITH_PAGE) == {header["HeaderValue"]}
    assert header["HeaderValue"] == "{{resolve:secretsmanager:PageSecret:SecretString}}"


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
    assert given.keys() <= TEMPLATE.parameters.keys()
    scope = Scope({**TEMPLATE.parameters, **given}, {}, lambda name, _: name)
    return {
        name
        for name, rule in TEMPLATE.source["Rules"].items()
        if scope.resolve(rule.get("RuleCondition", True))
        and not all(scope.resolve(each["Assert"]) for each in rule["Assertions"])
    }


@pytest.mark.parametrize(
    ("page", "limit", "domain", "certificate"),
    list(itertools.product(("false", "true"), (0, 100), ("", "my.example.com"), ("", "arn"))),
)
def test_parameters_that_exclude_each_other_are_refused(page, limit, domain, certificate):
    is_limited = {"PageIsNotRateLimitedByAddress"} if page == "true" and limit > 0 else set()
    for kind in ("", "Page"):
        is_half = {f"{kind}DomainHasItsCertificate"} if bool(domain) != bool(certificate) else set()
        pair = {f"{kind}DomainName": domain, f"{kind}CertificateArn": certificate}
        assert refusals(Page=page, AddressRateLimit=limit, **pair) == is_limited | is_half
