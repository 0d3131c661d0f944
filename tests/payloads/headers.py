"""Headers that lie, or that would break a careless reader.

They go through the handlers (tests/functions/test_header_refusals.py) and over HTTP
(tests/gateway/test_hostile_input.py).
"""

from urllib.parse import quote

# Stands in every hostile value, and must come back in no answer.
CANARY = "canary7d41"

# Allowed is https://app.example.com and http://localhost:8080, exactly.
FOREIGN_ORIGINS = [
    # Names that contain or resemble an allowed one
    *("https://app.example.com.evil.example", "https://evil.example/https://app.example.com"),
    *("https://evil.example", "https://evil.example#https://app.example.com"),
    *("https://evil.example?https://app.example.com", "https://app.example.com@evil.example"),
    *("https://evil.example\\@app.example.com", "https://evilapp.example.com"),
    *("https://sub.app.example.com", "https://app-example.com", "https://appxexample.com"),
    *("https://example.com", "https://app.example.co", "https://app.example.com."),
    *("https://.app.example.com", "https://APP.example.com", "HTTPS://app.example.com"),
    *("https://\N{CYRILLIC SMALL LETTER A}pp.example.com", "https://xn--pp-6cd.example.com"),
    "https://app\N{IDEOGRAPHIC FULL STOP}example.com",
    # An allowed one, and more
    *("https://app.example.com/", "https://app.example.com:443", "https://app.example.com:8443"),
    *("https://app.example.com%00", "https://app.example.com%0d%0aX: y"),
    *("http://app.example.com", "https:app.example.com", "//app.example.com", "app.example.com"),
    "https://app.example.com https://evil.example",
    "https://evil.example https://app.example.com",
    "https://app.example.com,http://localhost:8080",
    "https://app.example.com, https://app.example.com",
    *("https://app.example.com\N{NO-BREAK SPACE}", "https://app.example.com\N{ZERO WIDTH SPACE}"),
    *("https://app.example.com`", '"https://app.example.com"'),
    # Other names of this machine, and other schemes
    *("http://localhost", "http://localhost:80801", "http://localhost:808"),
    *("http://LOCALHOST:8080", "https://localhost:8080", "http://127.0.0.1:8080"),
    *("http://[::1]:8080", "file://", "data:text/html,x", "null", "NULL"),
    # Patterns
    *("*", "https://*", "https://*.example.com", ".*"),
]

# Values of any header. The first three end one, where they are not refused.
ENDING_VALUES = [
    f"x\r\nSet-Cookie: {CANARY}=1",
    f"x\nX-{CANARY}: 1",
    f"x\0{CANARY}",
]
ODD_VALUES = [
    CANARY,
    f"\xff\xfe{CANARY}",
    f"\x01\x1b[31m{CANARY}\x7f",
    f"\x80\x9b31m{CANARY}",
    f"{CANARY}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\N{RIGHT-TO-LEFT OVERRIDE}",
    f"😀{CANARY}",
    quote(f"x\r\nSet-Cookie: {CANARY}=1"),
    f'"{CANARY}',
    f"'{CANARY}",
    f"\\{CANARY}\\",
    f'","{CANARY}":"',
    f'"}}\n{{"{CANARY}":1}}'.replace("\n", "\\n"),
    f"<script>{CANARY}</script>",
    f"${{jndi:ldap://127.0.0.1/{CANARY}}}",
    f"{{{{7*7}}}}{CANARY}",
    f"#set($x = 1)$x{CANARY}",
    f"$context.requestId {CANARY}",
    f"%s%n%x{CANARY}",
    f"=?utf-8?q?{CANARY}?=",
    f"utf-8''{CANARY}",
    CANARY + "x" * 8_000,
    CANARY + ",x" * 4_000,
    CANARY + "(" * 8_000,
]

# Headers that some server, somewhere, has believed or sent back.
NAMES = [
    *("Accept", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers"),
    *("Access-Control-Request-Method", "Cookie", "Forwarded", "From", "If-None-Match", "Origin"),
    *("Range", "Referer", "User-Agent", "Via", "X-Amz-Date", "X-Amzn-Trace-Id", "X-Api-Key"),
    *("X-Correlation-Id", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    *("X-HTTP-Method-Override", "X-Original-URL", "X-Real-IP", "X-Request-Id", "X-Rewrite-URL"),
    "X-Session-Name",
]
