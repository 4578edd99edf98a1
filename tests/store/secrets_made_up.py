"""Secrets that open nothing, of every kind that is recognised. Each is (kind, line, the part that must not be kept)."""

import re
from typing import NamedTuple

R = "q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsEdRfTgYhUj7k8l9o0p1z2x3c4v5b6n7m8Q9W0E1R2T3Y4U5I6O7P"
"""Characters as issuers draw them."""


class Planted(NamedTuple):
    kind: str
    text: str
    secret: str

    @property
    def longest(self) -> str:
        """Of a query its longest value: the names in it are no secrets."""
        return max(re.split("[=&]", self.secret), key=len) if self.kind == "oauth_query" else self.secret


def _in(kind: str, secret: str, template: str = "{}") -> Planted:
    return Planted(kind, template.format(secret), secret)


JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0NzExIiwibmFtZSI6IndhIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJVadQ"
PEM_BODY = (
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW",
    "QyNTUxOQAAACDq7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsEdRfTgYAAAAJiK8o2hivKN",
    "oQAAAAtzc2gtZWQyNTUxOQAAACDq7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsEdRfTgYA",
)

ONE_LINERS: tuple[Planted, ...] = (
    _in("anthropic_key", "sk-ant-api03-" + R + "-xYzAAA"),
    _in("anthropic_key", "sk-ant-oat01-" + R[:60], "export CLAUDE_CODE_OAUTH_TOKEN={}"),
    _in("openai_key", "sk-proj-" + R[:64], "OPENAI_API_KEY={}"),
    _in("openai_key", "sk-" + R[:48], '{{"api_key": "{}"}}'),
    _in("openai_key", "sk-svcacct-" + R[:40], "text before {} and after"),
    _in("google_key", "AIzaSy" + R[:33], "key={}"),
    _in("google_secret", "GOCSPX-" + R[:28]),
    _in("google_token", "ya29.a0" + R[:50] + ".x_y"),
    _in("google_refresh_token", "1//0g" + R[:40], "refresh token is {}"),
    _in("github_token", "ghp_" + R[:36], "https://{}@github.com/a/b"),
    _in("github_token", "gho_" + R[:36]),
    _in("github_token", "ghs_" + R[:36]),
    _in("github_token", "github_pat_11ABCDEFG0" + R[:60], "remote: {}"),
    _in("gitlab_token", "glpat-" + R[:20]),
    _in("aws_key", "AKIAQ7ZP4KX9LM2VT6RW", "aws_access_key_id = {}"),
    _in("slack_token", "xoxb-123456789012-1234567890123-" + R[:24]),
    _in("slack_token", "xoxp-123456789012-123456789012-" + R[:32], "SLACK_TOKEN={}"),
    _in("slack_webhook", "hooks.slack.com/services/T0A1B2C3D/B0E1F2G3H/" + R[:24], "curl https://{}"),
    _in("stripe_key", "sk_live_" + R[:24]),
    _in("stripe_key", "rk_test_" + R[:24], '"{}",'),
    _in("npm_token", "npm_" + R[:36], "//registry.npmjs.org/:_authToken={}"),
    _in("pypi_token", "pypi-AgEIcHlwaS5vcmcC" + R[:80]),
    _in("huggingface_token", "hf_" + R[:34], "HF_TOKEN={}"),
    _in("groq_key", "gsk_" + R[:52]),
    _in("digitalocean_token", "dop_v1_" + "0a1b2c3d" * 8),
    _in("sendgrid_key", "SG." + R[:22] + "." + R[20:63]),
    _in("tailscale_key", "tskey-auth-k" + R[:30]),
    _in("jwt", JWT),
    _in("jwt", JWT, "Set token to '{}' now"),
    _in("bearer", "mF_9.B5f-4.1JqM" + R[:20], "Authorization: Bearer {}"),
    _in("bearer", "f0e1d2c3b4a5968778695a4b3c2d1e0f", "curl -H 'authorization: token {}' https://api.example.com"),
    _in("bearer", R[:40], "Bearer {}"),
    _in("basic", "dXNlcjpodW50ZXIyaHVudGVyMg==", "Proxy-Authorization: Basic {}"),
    _in("token", R[:24], "access_token={}"),
    _in("token", R[:24], '"refresh_token": "{}",'),
    _in("token", R[:24], "https://example.com/x?page=2&api_token={}&y=1"),
    _in("token", "abcdefgh", "export DEPLOY_TOKEN={}"),
    _in("password", "hunter2", "password=hunter2"),
    _in("password", "correct horse battery", "DB_PASSWORD='{}'"),
    _in("password", "hunter2!x", '{{"user": "bob", "password": "{}"}}'),
    _in("password", "swordfish", "  password: {}"),
    _in("password", "hunter22", "mysql --password {} -u root"),
    _in("password", "hunter22", "machine example.com login bob password {}"),
    _in("password", "hunter22", "curl -u bob:{} https://example.com"),
    _in("secret", R[:30], "client_secret: '{}'"),
    _in("secret", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY", "AWS_SECRET_ACCESS_KEY={}"),
    _in("api_key", R[:30], "x-api-key: {}"),
    _in("api_key", R[:30], "MISTRAL_API_KEY={}"),
    _in("url_password", "s3cr3tPa55", "postgres://bob:{}@db.example.com:5432/app"),
    _in("cookie", "session=" + R[:30], "Cookie: {}"),
    _in("one_time_code", "8F3K-92LQ", "! First copy your one-time code: {}"),
    _in("one_time_code", "493817", "Your verification code is {}."),
    _in("one_time_code", "493817", "{} is your login code"),
    _in("one_time_code", "493817", "OTP: {}"),
    _in("one_time_code", "493817", "One-time password: {}"),
    _in("one_time_code", "493817", "Use {} as your verification code."),
    _in("one_time_code", "WDJB-MJHT", "Code: {}"),
    _in("token", "dXNlcjpodW50ZXIy", '"auth": "{}"'),
    _in("one_time_code", "WDJB-MJHT", '"user_code": "{}"'),
    _in("one_time_code", "4/0AX4XfWh7Zp4Kx9Lm2Vt", "Enter the authorization code: {}"),
    _in("oauth_query", "code=true&client_id=9d1c250a-e61b&state=" + R[:43], "https://claude.ai/oauth/authorize?{}"),
    _in("oauth_query", "code=ac_" + R[:30] + "&state=" + R[:20], "http://localhost:1455/auth/callback?{}"),
    _in("oauth_query", "access_token=" + R[:20] + "&token_type=bearer", "https://example.com/done#{}"),
)

SEVERAL_LINES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "private_key",
        ("-----BEGIN OPENSSH PRIVATE KEY-----", *PEM_BODY, "-----END OPENSSH PRIVATE KEY-----"),
        PEM_BODY,
    ),
    (
        "device_code",
        ("Enter this one-time code (expires in 15 minutes)", "", "   8F3K-92LQX", "", "Never share it."),
        ("8F3K-92LQX",),
    ),
    (
        "aws_pair",
        ("|  AccessKeyId     |  AKIAQ7ZP4KX9LM2VT6RW  |", "|  wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE |"),
        ("AKIAQ7ZP4KX9LM2VT6RW", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE"),
    ),
    (
        "hard_wrapped_url",
        (
            "Browser didn't open? Use the url below to sign in:",
            "https://claude.ai/oauth/authorize?code=true&client_id=9d1c250a-e61b-44d9-88ed-5944",
            "d1962f5e&response_type=code&redirect_uri=https%3A%2F%2Fconsole.anthropic.com%2Foau",
            "th%2Fcode%2Fcallback&scope=org%3Acreate_api_key+user%3Aprofile&code_challenge=" + R[:4],
            R[4:43] + "&code_challenge_method=S256&state=" + R[:9],
            "Qm9zc3Nhbl",
            "",
            "Paste code here if prompted >",
        ),
        ("9d1c250a-e61b", "d1962f5e", "code_challenge=", R[4:43], "state=" + R[:9], "Qm9zc3Nhbl"),
    ),
    (
        "framed_key",
        (
            "╭──────────────────────────────────────────────────╮",
            "│ export ANTHROPIC_API_KEY=sk-ant-api03-q7Zp4Kx9Lm │",
            "│ " + R[10:58] + " │",
            "│ " + R[58:84] + " " * 22 + " │",
            "│ export NEXT=1" + " " * 35 + " │",
        ),
        ("q7Zp4Kx9Lm", R[10:58], R[58:84]),
    ),
    (
        "framed_url",
        (
            "│ https://auth.openai.com/oauth/auth │",
            "│ orize?response_type=code&client_id │",
            "│ =app_" + R[:29] + " │",
            "│ &state=" + R[10:20] + "          │",
        ),
        (R[:29], R[10:20]),
    ),
)

ORDINARY = (
    "commit 3338249f0c9a1b2c3d4e5f60718293a4b5c6d7e8",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "token count: 120",
    "Token usage: total=4,852 input=4,210 (+ 20,480 cached) output=642 (reasoning 256)",
    "max_tokens=4096, tokens: 1234",
    "def connect(user: str, password: str, token: str | None = None) -> None:",
    "    self.token = token",
    "token = await get_token(session)",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    "password=password, api_key=os.environ['OPENAI_API_KEY']",
    "password = input('Password: ')",
    "def getpass(prompt='Password: ', stream=None):",
    "if token == 'abc123def456':",
    "PWD=/home/dev/project1",
    "The password must be at least 8 characters long.",
    "password: required",
    "exit code 123456",
    "error code: ABCD-12345",
    "HTTP status code 200",
    '{"code": 1000123, "message": "no such thing"}',
    "this code is 100200 lines long",
    "sk-learn, task-list and sk-folding-cube-animation-delay",
    "risk_live_ and AKIA and eyJ are prefixes",
    "npm_config_registry=https://registry.npmjs.org/",
    "from huggingface_hub import hf_hub_download_to_some_place",
    "https://github.com/wez/wezterm/issues?state=open&q=code+is",
    "https://docs.python.org/3/library/re.html#re.Pattern",
    "http://localhost:8080/path@foo",
    "git clone ssh://git@github.com:22/foo/bar.git",
    "Bearer of bad news",
    "Authorization: required",
    "Authorization: Bearer $TOKEN",
    "cookies: 3",
    "primary_key=True, foreign_key='id', for key in keys:",
    "1// integer division",
    "codex resume 0199a213-81c0-7800-8aa1-bbab2a035a53",
    "x.password.length >= 8",
    '<input type="password" name="password">',
    "const token = process.env.TOKEN;",
    'integrity "sha512-q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsEdRfTgYhUj7k8l9o0p1z2x3c4v5b6=="',
    "step number 7 of the long plan",
    "-rw-r--r-- 1 dev dev 48123 Nov 21 09:12 src/token/secret_store.py",
    "-----BEGIN CERTIFICATE-----",
    "a name on a line of its own:",
    "README_2026.md",
    "grep -n 'BEGIN RSA PRIVATE KEY' *.pem",
)
