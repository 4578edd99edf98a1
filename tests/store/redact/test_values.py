"""Passwords that are words, and names of things that are none: what is assigned to a word such as `password` or `_KEY`."""

import time

import pytest

from wa.store.redact import redact
from wa.store.redact.values import is_name, is_placeholder

PASSWORDS = (
    "<password>swordfish</password>",
    "  <db:password> swordfish </db:password>",
    "ALTER ROLE bob PASSWORD 'swordfish'",
    "CREATE USER bob WITH PASSWORD 'swordfish';",
    "CREATE USER bob IDENTIFIED BY 'swordfish';",
    "A temporary password is generated for root@localhost: swordfish;:,x",
    "password=swordfish.and.more",
    "PASSWORD=swordfish.and.more",
    "password = swordfish",
    "password: swordfish",
    "password=swordfish",
    "  password: swordfish",
    "user: bob, password: swordfish, host: db1",
    "user = bob password = swordfish",
    "user=bob password=swordfish host=db1",
    "db.password = swordfish",
    "spring.datasource.password=swordfish",
    "spring.datasource.password = swordfish",
    "export PASSWORD = swordfish",
    "The password is swordfish",
    "Your new password is swordfish.",
    "the root password is swordfish, keep it",
    "Password: swordfish",
    "Username: bob  Password: swordfish  Server: x",
    "passphrase = swordfish",
    "passwd: swordfish",
    "pwd = swordfish",
    "│ password: swordfish │",
    "│ password = swordfish   │",
    "# password = swordfish",
    "password = swordfish  # the old one",
    "PGPASSWORD=swordfish psql",
    "DB_PASSWORD=swordfish",
    "DB_PASSWORD = swordfish",
    "mysql --password swordfish -u root",
    "mysql --password=swordfish",
    "mysql -u root --password swordfish",
    "password=supersecret",
    "password=mypassword",
    'password = "supersecret"',
    '"password": "swordfish"',
    "'password': 'swordfish',",
    "- password: swordfish",
    "password : swordfish",
    "PASSWORD:swordfish",
    "password: Swordfish",
    '"password" = swordfish',
    'password="hunter2"',
)

KEYS = (
    'API_KEY = "q7Zp4Kx9Lm2Vt6Rw"',
    'API_KEY="abcdefgh12345678"',
    'api_key = "qwertyuiopasdfgh"',
    "api_key: correct-horse-battery-staple",
    'SECRET_KEY = "correct-horse-battery-staple"',
    'client_secret = "my_very_secret_string"',
    '_KEY = "q7Zp4Kx9Lm2Vt6Rw"',
    'STORAGE_KEY = "DefaultEndpointsProtocol9Xq2"',
    'token = "a1b2c3d4e5f60718"',
    "access_token: sdfkj452lkj3",
    "AccountKey=q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQ==",
)

NO_SECRETS = (
    "<password>string</password>",
    "</password>word</other>",
    "if password > limit: print('a</b>')",
    "<label>Password</label>",
    "password=settings.db_password",
    "    password=config.pw,",
    "the password 'must be changed'",
    'API_KEY = "name"',
    '_KEY = "name"',
    'API_KEY = "ANTHROPIC_API_KEY"',
    'STATS_KEY = "_hypothesis_stats"',
    'FAILING_EXAMPLES_KEY = "_hypothesis_failing_examples"',
    'options_key = "allow_redefinition"',
    "METADATA_KEY = 'pydantic-mypy-metadata'",
    "Parameter.POSITIONAL_OR_KEYWORD: 'positional_or_keyword',",
    'MARKUP_MODE_KEY = "TYPER_RICH_MARKUP_MODE"',
    '_key = "python.xml.sax.parser"',
    'backend: "Backend", private_key: "_EllipticCurvePrivateKey", data: bytes',
    "def exchange(self, peer_public_key: X25519PublicKey) -> bytes:",
    "if token is Comment.Preproc:",
    'password = ":****"',
    '__author_email__ = "me@kennethreitz.org"',
    "finish_passes_time=t3 - t2",
    '    Token: "#ddd0c0",',
    "GHOSTTY_TERMINAL_OPT_PWD = 10,",
    'AttributeOID.CHALLENGE_PASSWORD: "challengePassword",',
    'proxy_auth_hdr = "Proxy-Authorization"',
    'API_KEY = "your-api-key-here"',
    'API_KEY = "<your key>"',
    "OPENAI_API_KEY=your_api_key_here",
    'token = "test-token-123"',
    'token="placeholder_token_value"',
    'CONF_PASSWORD = "password"',
    "password = getpass()",
    "password = new_password",
    "self.password = password",
    "this.password = value",
    "const password = input;",
    "let password = userInput",
    "    password = value",
    "    password: str,",
    "    password: Credentials,",
    "password: string;",
    "password: SecretStr",
    "connect(user=user, password=pw)",
    "f(password=password, api_key=api_key)",
    "password = args.password",
    "The password is required",
    "Your password is incorrect.",
    "Your password is too short.",
    "The password is encrypted.",
    "if password is None:",
    "use --password to give one",
    "  --password PASSWORD  the password",
    "  --password FILE",
    "password: must be at least 8 characters",
    "Error: password: cannot be empty",
    "password: authentication failed for user",
    'STORAGE_KEY = "user-session-cache"',
    "const CACHE_KEY = 'myApp:panes:v1';",
    'export const SESSION_STORAGE_KEY = "claude_session_state";',
    "token = some_function_name",
    "api_key = settings.ANTHROPIC_API_KEY",
    "api_key=self._api_key",
    'secret: "MY_CLIENT_SECRET"',
    "secretName: my-secret-name",
    "api_key: process.env.OPENAI_API_KEY",
    "_normalized_key = _pep_440_key",
    "nid_key = self._lib.NID_aes_256_cbc",
    "| user | password | email |",
    "--password is required",
    "password: string",
    "password = null",
    "exports.GoogleAuth = exports2.GoogleToken",
    "clientSecret: config2.clientSecret,",
    "actor_token: options.actingParty?.actorToken,",
    "this.token = token2;",
    'OID_EC_PUBLIC_KEY = "1.2.840.10045.2.1"',
    'apiKey: "no-api-key-needed",',
    'PREVIOUS_ATTEMPTS_METADATA_KEY = "grpc-previous-rpc-attempts"',
    "See PEP-560 for this code, and RFC-9110",
    "information comes by the --username and --password options",
    "_core_token_compound=_core_token_compound,",
    "use this code, read PEP-560",
)


@pytest.mark.parametrize("text", PASSWORDS)
def test_a_word_that_is_told_as_a_password_is_one(text):
    """In settings, on command lines, in sentences; what stands around it stays."""
    shown = redact(text)

    assert "[redacted:password]" in shown
    assert not any(word in shown.lower() for word in ("swordfish", "supersecret", "mypassword", "hunter2"))


@pytest.mark.parametrize("text", KEYS)
def test_a_key_that_is_made_of_words_or_of_anything_else_is_one(text):
    """Where its name says that it opens something."""
    assert "[redacted:" in redact(text)


@pytest.mark.parametrize("text", NO_SECRETS)
def test_names_placeholders_types_and_variables_stay(text):
    """Source code, help texts and messages are full of them."""
    assert text == redact(text)


@pytest.mark.parametrize(
    "text", ["q7Zp4Kx9Lm2Vt6Rw", "mF9B5f4JqMq7Zp", "qwJxZkLpRtYvBnMsDfGh", "askfjh234as9sd8", "sdfkj_lkjsd"]
)
def test_random_characters_are_no_name(text):
    """Neither a name nor a placeholder, whatever letters happen to be among them."""
    assert not is_name(text)
    assert not is_placeholder(text)


def test_what_a_value_is_takes_as_long_for_hostile_values_as_for_others():
    """Longer ones than any name are not looked into."""
    begun = time.process_time()
    for text in ("a_" * 50_000, "aA" * 50_000, "_" * 100_000, "a-1" * 30_000):
        is_name(text)
        is_placeholder(text)

    assert time.process_time() - begun < 1
