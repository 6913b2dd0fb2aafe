"""Invented secrets of every format are found wherever they are planted; look-alikes and placeholders are spared."""

import base64
import random
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.skills import findings
from agentloop.text.redact import redact, secrets_in
from agentloop.text.secret_formats import FORMATS

DIGITS = "0123456789"
HEX = DIGITS + "abcdef"
LOWER = DIGITS + "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
ALNUM = LOWER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
URL = ALNUM + "-_"
BASE64 = ALNUM + "+/"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Keys:
    """Invents bodies of keys; the same for the same seed, so that no key stands in this file."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def __call__(self, alphabet: str, length: int) -> str:
        return "".join(self.random.choices(alphabet, k=length))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def signed(self, head: str) -> str:
        """A key whose last six digits are the checksum of the thirty before them (GitHub's and npm's)."""
        body = self(ALNUM, 30)
        rest, signs = zlib.crc32(body.encode()), ""
        for _ in range(6):
            rest, digit = divmod(rest, 62)
            signs = (DIGITS + ALNUM[36:] + ALNUM[10:36])[digit] + signs
        return head + body + signs

    def jwt(self) -> str:
        parts = (
            b'{"alg":"HS256","typ":"JWT"}',
            f'{{"sub":"{self(LOWER, 12)}","iat":1712}}'.encode(),
            self.random.randbytes(32),
        )
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)

    def slack(self) -> str:
        return f"hooks.slack.com/services/T{self(UPPER, 10)}/B{self(UPPER, 10)}/{self(ALNUM, 24)}"

    def discord(self) -> str:
        user = base64.b64encode(("3" + self(DIGITS, 17)).encode()).decode().rstrip("=")
        return f"{user}.{self(URL, 6)}.{self(ALNUM, 38)}"


SECRETS: dict[str, tuple[str, Callable[[Keys], str]]] = {
    "aws": ("aws access key", lambda key: "AKIA" + key(BASE32, 16)),
    "aws-session": ("aws access key", lambda key: "ASIA" + key(BASE32, 16)),
    "aws-bedrock": ("aws bedrock key", lambda key: "ABSK" + key(BASE64, 128)),
    "azure-storage": ("azure storage key", lambda key: "AccountKey=" + key(BASE64, 86) + "=="),
    "azure-bus": ("azure access key", lambda key: "SharedAccessKey=" + key(BASE64, 43) + "="),
    "azure-client": ("azure client secret", lambda key: key(ALNUM, 3) + "8" + "Q~" + key(ALNUM, 34)),
    "azure-devops": ("azure devops token", lambda key: key(ALNUM, 76) + "AZDO" + key(ALNUM, 4)),
    "google": ("google key", lambda key: "AIza" + key(URL, 35)),
    "google-oauth": ("google oauth secret", lambda key: "GOCSPX-" + key(ALNUM, 28)),
    "google-token": ("google oauth token", lambda key: "ya29." + key(URL, 120)),
    "google-refresh": ("google oauth token", lambda key: "1//" + "0" + key(URL, 80)),
    "firebase": ("firebase key", lambda key: "AAAA" + key(ALNUM, 7) + ":APA91b" + key(ALNUM, 134)),
    "alibaba": ("alibaba access key", lambda key: "LTAI" + key(ALNUM, 20)),
    "tencent": ("tencent access key", lambda key: "AKID" + key(ALNUM, 32)),
    "yandex": ("yandex key", lambda key: "AQVN" + key(ALNUM, 36)),
    "digitalocean": ("digitalocean token", lambda key: "dop_v1_" + key(HEX, 64)),
    "heroku": ("heroku key", lambda key: "HRKU-" + "AA" + key(URL, 58)),
    "netlify": ("netlify token", lambda key: "nfp_" + key(ALNUM, 36)),
    "vercel": ("vercel token", lambda key: "vcp_" + key(ALNUM, 56)),
    "cloudflare": ("cloudflare token", lambda key: "cfut_" + key(ALNUM, 40) + key(HEX, 8)),
    "cloudflare-ca": ("cloudflare origin key", lambda key: "v1.0-" + key(HEX, 24) + "-" + key(HEX, 146)),
    "fly": ("fly.io token", lambda key: "fm2_" + key(BASE64, 200)),
    "render": ("render key", lambda key: "rnd_" + key(ALNUM, 32)),
    "supabase": ("supabase key", lambda key: "sbp_" + key(HEX, 40)),
    "supabase-secret": ("supabase key", lambda key: "sb_secret_" + key(ALNUM, 22) + "_" + key(ALNUM, 8)),
    "planetscale": ("planetscale token", lambda key: "pscale_tkn_" + key(ALNUM, 43)),
    "neon": ("neon key", lambda key: "napi_" + key(LOWER, 64)),
    "atlas": ("mongodb atlas secret", lambda key: "mdb_sa_sk_" + key(ALNUM, 40)),
    "databricks": ("databricks token", lambda key: "dapi" + key(HEX, 32) + "-2"),
    "openshift": ("openshift token", lambda key: "sha256~" + key(ALNUM, 43)),
    "github": ("github token", lambda key: key.signed("ghp_")),
    "github-app": ("github token", lambda key: key.signed("ghs_")),
    "github-oauth": ("github token", lambda key: key.signed("gho_")),
    "github-fine": ("github token", lambda key: "github_pat_" + key(ALNUM, 22) + "_" + key(ALNUM, 59)),
    "gitlab": ("gitlab token", lambda key: "glpat-" + key(ALNUM, 20)),
    "gitlab-routable": ("gitlab token", lambda key: "glpat-" + key(ALNUM, 27) + ".01." + key(LOWER, 9)),
    "gitlab-runner": ("gitlab token", lambda key: "glrt-" + key(ALNUM, 20)),
    "gitlab-deploy": ("gitlab token", lambda key: "gldt-" + key(ALNUM, 20)),
    "gitlab-job": ("gitlab token", lambda key: "glcbt-" + "64_" + key(ALNUM, 20)),
    "bitbucket": ("bitbucket app password", lambda key: "ATBB" + key(ALNUM, 32)),
    "atlassian": ("atlassian token", lambda key: "ATATT3" + "xFfGF0" + key(URL, 170) + "=" + key(UPPER, 8)),
    "npm": ("npm token", lambda key: key.signed("npm_")),
    "pypi": ("package index token", lambda key: "pypi-" + "AgEIcHlwaS5vcmc" + key(URL, 140)),
    "rubygems": ("rubygems key", lambda key: "rubygems_" + key(HEX, 48)),
    "crates": ("crates.io token", lambda key: "cio" + key(ALNUM, 32)),
    "nuget": ("nuget key", lambda key: "oy2" + key(LOWER, 43)),
    "clojars": ("clojars token", lambda key: "CLOJARS_" + key(LOWER, 60)),
    "docker": ("docker hub token", lambda key: "dckr_pat_" + key(URL, 26) + "a"),
    "artifactory": ("artifactory token", lambda key: "AKCp" + key(ALNUM, 69)),
    "buildkite": ("buildkite token", lambda key: "bkua_" + key(HEX, 40)),
    "circleci": ("circleci token", lambda key: "CCIPAT_" + key(ALNUM, 22) + "_" + key(HEX, 40)),
    "sonarqube": ("sonarqube token", lambda key: "sqp_" + key(HEX, 40)),
    "sourcegraph": ("sourcegraph token", lambda key: "sgp_" + key(HEX, 16) + "_" + key(HEX, 40)),
    "octopus": ("octopus deploy key", lambda key: "API-" + key(UPPER, 26)),
    "prefect": ("prefect token", lambda key: "pnu_" + key(ALNUM, 36)),
    "pulumi": ("pulumi token", lambda key: "pul-" + key(HEX, 40)),
    "terraform": ("terraform token", lambda key: key(ALNUM, 14) + ".atlasv1." + key(ALNUM, 67)),
    "vault": ("vault token", lambda key: "hvs." + key(URL, 94) + "q"),
    "doppler": ("doppler token", lambda key: "dp.st." + "dev." + key(ALNUM, 43)),
    "1password": ("1password token", lambda key: "ops_" + "eyJ" + key(ALNUM, 260)),
    "1password-key": ("1password secret key", lambda key: "A3-" + "-".join(key(UPPER, n) for n in (6, 6, 5, 5, 5, 5))),
    "age": ("age secret key", lambda key: "AGE-SECRET-KEY-1" + key("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
    "tailscale": ("tailscale key", lambda key: "tskey-" + "auth-" + key(ALNUM, 17) + "-" + key(ALNUM, 32)),
    "anthropic": ("anthropic key", lambda key: "sk-ant-" + "api03-" + key(URL, 93) + "AA"),
    "openai": ("openai key", lambda key: "sk-" + key(ALNUM, 20) + "T3BlbkFJ" + key(ALNUM, 20)),
    "openai-project": ("openai key", lambda key: "sk-proj-" + key(URL, 74) + "T3BlbkFJ" + key(URL, 73) + "q"),
    "openrouter": ("openrouter key", lambda key: "sk-or-v1-" + key(HEX, 64)),
    "langfuse": ("langfuse key", lambda key: "sk-lf-" + key.uuid()),
    "deepseek": ("deepseek key", lambda key: "sk-" + key(HEX, 32)),
    "huggingface": ("hugging face token", lambda key: "hf_" + key(ALNUM[10:], 34)),
    "replicate": ("replicate token", lambda key: "r8_" + key(ALNUM, 37)),
    "groq": ("groq key", lambda key: "gsk_" + key(ALNUM, 52)),
    "perplexity": ("perplexity key", lambda key: "pplx-" + key(ALNUM, 48)),
    "xai": ("xai key", lambda key: "xai-" + key(ALNUM, 80)),
    "cerebras": ("cerebras key", lambda key: "csk-" + key(LOWER, 48)),
    "nvidia": ("nvidia key", lambda key: "nvapi-" + key(URL, 63) + "q"),
    "pinecone": ("pinecone key", lambda key: "pcsk_" + key(ALNUM, 6) + "_" + key(ALNUM, 63)),
    "together": ("together key", lambda key: "tgp_v1_" + key(URL, 43)),
    "langsmith": ("langsmith key", lambda key: "lsv2_pt_" + key(HEX, 32) + "_" + key(HEX, 10)),
    "tavily": ("tavily key", lambda key: "tvly-" + "dev-" + key(ALNUM, 32)),
    "elevenlabs": ("elevenlabs key", lambda key: "sk_" + key(HEX, 48)),
    "e2b": ("e2b key", lambda key: "e2b_" + key(HEX, 40)),
    "apify": ("apify token", lambda key: "apify_api_" + key(ALNUM, 36)),
    "slack": ("slack token", lambda key: "xoxb-" + f"{key(DIGITS, 12)}-{key(DIGITS, 13)}-{key(ALNUM, 24)}"),
    "slack-app": ("slack token", lambda key: "xapp-" + f"1-A0{key(UPPER, 9)}-{key(DIGITS, 13)}-{key(HEX, 64)}"),
    "slack-webhook": ("slack webhook", Keys.slack),
    "discord": ("discord token", Keys.discord),
    "discord-webhook": ("discord webhook", lambda key: f"discord.com/api/webhooks/{key(DIGITS, 18)}/{key(URL, 68)}"),
    "telegram": ("telegram token", lambda key: key("123456789", 10) + ":AA" + key(ALNUM, 33)),
    "twilio": ("twilio key", lambda key: "SK" + key(HEX, 32)),
    "sendgrid": ("sendgrid key", lambda key: "SG." + key(URL, 22) + "." + key(URL, 43)),
    "mailgun": ("mailgun key", lambda key: "key-" + key(HEX, 32)),
    "mailchimp": ("mailchimp key", lambda key: key(HEX, 32) + "-us21"),
    "brevo": ("brevo key", lambda key: "xkeysib-" + key(HEX, 64) + "-" + key(ALNUM, 16)),
    "resend": ("resend key", lambda key: "re_" + key(ALNUM, 8) + "_" + key(ALNUM, 24)),
    "stripe": ("stripe key", lambda key: "sk_live_" + key(ALNUM, 24)),
    "stripe-restricted": ("stripe key", lambda key: "rk_live_" + key(ALNUM, 99)),
    "stripe-webhook": ("webhook signing secret", lambda key: "whsec_" + key(ALNUM, 32)),
    "square": ("square token", lambda key: "sq0csp-" + key(URL, 43)),
    "square-access": ("square token", lambda key: "EAAA" + key(URL, 59) + "q"),
    "facebook": ("facebook token", lambda key: "EAA" + "MC" + key(ALNUM, 180)),
    "braintree": ("braintree token", lambda key: "access_token$production$" + key(LOWER, 16) + "$" + key(HEX, 32)),
    "shopify": ("shopify token", lambda key: "shpat_" + key(HEX, 32)),
    "shippo": ("shippo token", lambda key: "shippo_live_" + key(HEX, 40)),
    "easypost": ("easypost key", lambda key: "EZAK" + key(ALNUM, 54)),
    "flutterwave": ("flutterwave key", lambda key: "FLWSECK-" + key(HEX, 32) + "-X"),
    "newrelic": ("new relic key", lambda key: "NRAK-" + key(UPPER, 27)),
    "grafana": ("grafana token", lambda key: "glsa_" + key(ALNUM, 32) + "_" + key(HEX, 8)),
    "grafana-cloud": ("grafana token", lambda key: "glc_" + key(ALNUM, 120)),
    "sentry": ("sentry token", lambda key: "sntryu_" + key(HEX, 64)),
    "dynatrace": ("dynatrace token", lambda key: "dt0c01." + key(UPPER, 24) + "." + key(UPPER, 64)),
    "honeycomb": ("honeycomb key", lambda key: "hcaik_" + key(LOWER, 58)),
    "posthog": ("posthog key", lambda key: "phx_" + key(ALNUM, 43)),
    "linear": ("linear key", lambda key: "lin_api_" + key(ALNUM, 40)),
    "notion": ("notion token", lambda key: "ntn_" + key(DIGITS, 11) + key(ALNUM, 35)),
    "notion-old": ("notion token", lambda key: "secret_" + key(ALNUM, 43)),
    "airtable": ("airtable token", lambda key: "pat" + key(ALNUM, 14) + "." + key(HEX, 64)),
    "asana": ("asana token", lambda key: f"2/1{key(DIGITS, 15)}/{key('123456789', 16)}:{key(HEX, 32)}"),
    "clickup": ("clickup token", lambda key: "pk_" + key("123456789", 8) + "_" + key(UPPER, 32)),
    "figma": ("figma token", lambda key: "figd_" + key(URL, 40)),
    "postman": ("postman key", lambda key: "PMAK-" + key(HEX, 24) + "-" + key(HEX, 34)),
    "hubspot": ("hubspot token", lambda key: "pat-eu1-" + key.uuid()),
    "contentful": ("contentful token", lambda key: "CFPAT-" + key(URL, 43)),
    "typeform": ("typeform token", lambda key: "tfp_" + key(ALNUM, 44) + "_" + key(ALNUM, 14)),
    "readme": ("readme key", lambda key: "rdme_" + key(LOWER, 70)),
    "dropbox": ("dropbox token", lambda key: "sl." + key(URL, 137)),
    "mapbox": ("mapbox token", lambda key: "sk." + "eyJ" + key(ALNUM, 80) + "." + key(URL, 22)),
    "maxmind": ("maxmind key", lambda key: key(ALNUM, 6) + "_" + key(ALNUM, 29) + "_mmk"),
    "jwt": ("json web token", Keys.jwt),
}  # fmt: skip
"""By an id: the kind that is told, and a maker of a key."""

PLACES = {
    "SKILL.md": "# Prose\n\nI logged in with {}, and it worked.\n",
    "fence.md": "# Code\n\n```console\n$ login \\\n    --with={} --now\n```\n",
    "settings.yaml": "server:\n  port: 80\n  login: '{}'\n",
    "run.sh": '#!/bin/sh\nset -eu\ncurl -H "X-Login: {}" localhost\n',
}
LINES = {"SKILL.md": 3, "fence.md": 5, "settings.yaml": 3, "run.sh": 3}


def secret(name: str) -> str:
    return SECRETS[name][1](Keys(name))


def test_every_format_has_a_key_here_or_a_test_of_its_own() -> None:
    elsewhere = {"private key", "aws secret key", "azure signature", "password in an address", "bearer token",
                 "basic authorization", "password of a command", "assigned secret", "teams webhook"}  # fmt: skip
    assert {form.kind for form in FORMATS} == {kind for kind, _make in SECRETS.values()} | elsewhere
    assert len(SECRETS) > 100


@pytest.mark.parametrize("name", SECRETS)
def test_a_planted_secret_is_found_and_masked(name: str, tmp_path: Path) -> None:
    key = secret(name)
    for file, text in PLACES.items():
        (tmp_path / file).write_text(text.format(key), encoding="utf-8")
        masked = redact(text.format(key), {})
        assert key not in masked
        assert f"[redacted: {SECRETS[name][0]}]" in masked
        assert masked == redact(masked, {})
        assert secrets_in(masked, {}) == []
    found = {(each.path, each.line) for each in findings.find(tmp_path) if each.rule == "secret"}
    assert found == set(LINES.items())


AROUND = [
    "{}",
    "\\n{}\\n",
    "a%3D{}",
    "\x1b[32m{}\x1b[0m",
    "'{}'",
    "({}),",
    "<{}>",
    "x={};",
    "your key, for example: {}",
]


@pytest.mark.parametrize("name", SECRETS)
def test_what_stands_around_a_secret_does_not_hide_it(name: str) -> None:
    for around in AROUND:
        found = secrets_in(around.format(secret(name)), {})
        assert found == [(1, SECRETS[name][0])], around


ASSIGNED = [
    "password = '{}'", 'DB_PASSWORD="{}"', "export SERVICE_TOKEN={}", "api_key: {}", '"apiKey": "{}",',
    "X-API-Key: {}", "const clientSecret = `{}`;", "--api-key {} --now", 'os.environ["AUTH_TOKEN"] = "{}"',
    "PGPASSWORD={} psql", "login me password {}", "the token {} is mine", 'token: str = "{}"', "&token={}&x=1",
    "<password>{}</password>", "HEROKU_API_KEY => '{}'", "user.accessToken == '{}'", "TWILIO_AUTH_TOKEN:{}",
]  # fmt: skip


@pytest.mark.parametrize("text", ASSIGNED)
@pytest.mark.parametrize("length", [16, 24, 40, 64])
def test_an_assigned_secret_is_found_by_its_name_and_by_looking_random(text: str, length: int) -> None:
    for alphabet in (HEX, LOWER, ALNUM):
        value = Keys(f"{length}{alphabet}")(alphabet, length)
        assert secrets_in("first\n" + text.format(value), {}) == [(2, "assigned secret")]
        assert redact(text.format(value), {}) == text.format("[redacted: assigned secret]")


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY=", '"SecretAccessKey": "', "aws_secret_access_key = ", "secretAccessKey: '"]
)
def test_an_aws_secret_key_is_found_where_it_is_assigned(name: str) -> None:
    value = Keys("aws")(ALNUM, 19) + "/" + Keys("secret")(ALNUM, 20)
    assert secrets_in(name + value, {}) == [(1, "aws secret key")]
    assert value not in redact(name + value, {})


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "mysql", "mongodb+srv", "redis", "rediss", "amqp", "https"]
)
@pytest.mark.parametrize(
    "password", ["p4:ss", "aB3$fG7!kL", "s3/cr3t?x", "q9@w8#e7", "k2%40j8=s", "Tr0ub4dor&3", "7h*h2~s9"]
)
def test_a_password_in_an_address_is_found_whatever_it_holds(scheme: str, password: str) -> None:
    if set(password) & set("$*/"):
        password = password.translate(str.maketrans("$*/", "___")) if scheme == "https" else password
    address = f"{scheme}://app:{password}@db.internal:5432/main?ssl=1"
    masked = redact(address, {})
    assert password not in masked
    assert masked.startswith(f"{scheme}://app:[redacted: password in an address]@db.internal")


@pytest.mark.parametrize("label", ["RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "", "PGP "])
@pytest.mark.parametrize("end", ["\n", "\\n", "\n+", "\r\n", "\n    "])
def test_a_private_key_is_masked_whole_however_its_lines_end(label: str, end: str) -> None:
    block = " BLOCK" if label == "PGP " else ""
    body = [Keys(label + str(line))(BASE64, 64) for line in range(20)]
    key = end.join(
        [f"-----BEGIN {label}PRIVATE " + f"KEY{block}-----", *body, f"-----END {label}PRIVATE KEY{block}-----"]
    )
    assert redact(f"before\n{key}\nafter", {}) == "before\n[redacted: private key]\nafter"
    assert secrets_in(f"before\n{key}\nafter", {}) == [(2, "private key")]
    cut = redact(f"before\n{key[:900]}", {})
    assert not any(line[:40] in cut for line in body[:13])


def test_private_keys_without_a_head_of_their_own_are_found() -> None:
    lines = "\n".join(Keys(str(line))(BASE64, 64) for line in range(6))
    putty = f"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 6\n{lines}\nPrivate-MAC: {Keys('mac')(HEX, 64)}"
    assert secrets_in(putty, {}) == [(3, "private key")]
    assert lines not in redact(putty, {})
    pem = "-----BEGIN RSA PRIVATE " + f"KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----\n"
    kubeconfig = f"client-key-data: {base64.b64encode(pem.encode()).decode()}"
    assert redact(kubeconfig, {}) == "client-key-data: [redacted: private key]"


def test_what_stands_beside_a_head_of_authorization_is_found() -> None:
    signature = "".join(f"%{ord(sign):02X}" if sign in "+/" else sign for sign in Keys("sas")(BASE64, 43)) + "%3D"
    basic = base64.b64encode(f"ada:{Keys('basic')(ALNUM, 20)}".encode()).decode()
    ids = [Keys(name).uuid() for name in "abc"]
    teams = f"x.webhook.office.com/webhookb2/{ids[0]}@{ids[1]}/IncomingWebhook/{Keys('d')(HEX, 32)}/{ids[2]}"
    for text, kind in (
        (f"https://a.blob.core.windows.net/c?sv=2022-11-02&sig={signature}", "azure signature"),
        (f"Authorization: Bearer {Keys('bearer')(ALNUM, 40)}", "bearer token"),
        (f"Authorization: Basic {basic}", "basic authorization"),
        (f"curl -u ada:{Keys('curl')(ALNUM, 16)} localhost", "password of a command"),
        (f"https://{teams}", "teams webhook"),
    ):
        assert secrets_in(text, {}) == [(1, kind)]
        assert f"[redacted: {kind}]" in redact(text, {})


SPARED = [
    # said to be no secret
    "sk-ant-your-key-goes-here-and-it-is-long",
    "sk-ant-api03-xxxxxxxxxxxxxxxxxxxxxxxx",
    "sk-proj-abcdefghijklmnopqrstuvwxyz",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "ghp_1234567890abcdefghijklmnopqrstuvwxyz",
    "ghp_************************************",
    "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
    "AIza" + "A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6Q7R",
    "xoxb-your-bot-token-goes-here",
    "sk_test_00000000000000000000000000",
    "glpat-placeholder-token-value",
    "password = 'changeme12345'",
    "api_key: <your-api-key-2>",
    "token: ${{ secrets.A1_B2_C3_TOKEN }}",
    "export TOKEN=$OTHER_TOKEN2",
    "TOKEN=${TOKEN:-none}",
    "TOKEN=$(pass show k3y/1a2b)",
    "api_key = os.environ['API_K3Y_1A2B']",
    "const apiKey = process.env.OPENAI_API_KEY2;",
    "password: Test123!@#",
    "password=hunter2",
    'secret: "{{ vault_s3cr3t_2b }}"',
    "https://user:password@example.com/x",
    "postgres://postgres:postgres@localhost:5432/app",
    "redis://:${REDIS_PW}@h:6379",
    "mysql://root:<password>@db",
    "Authorization: Bearer <token>",
    "Authorization: Bearer ${TOKEN}",
    "Authorization: Bearer $(cat t0k3n)",
    "Authorization: Basic dXNlcjpwYXNzd29yZA==",
    "-----BEGIN PRIVATE " + "KEY-----\n...\n-----END PRIVATE KEY-----",
    "look for `-----BEGIN RSA PRIVATE " + "KEY-----` and `-----END RSA PRIVATE KEY-----`",
    "token: eyJhbGciOiJIUzI1NiJ9...",
    # looks like one
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "id: 550e8400-e29b-41d4-a716-446655440000",
    '"integrity": "sha512-' + Keys("npm")(BASE64, 86) + '=="',
    "sha256:" + Keys("sha")(HEX, 64),
    "md5 " + Keys("md5")(HEX, 32),
    "![](data:image/png;base64," + Keys("image")(BASE64, 400) + ")",
    "h1:" + Keys("go")(BASE64, 43) + "=",
    'checksum = "' + Keys("cargo")(HEX, 64) + '"',
    "task-sk-learn-and-more-words-in-a-row",
    "risk-averse-organisations-everywhere-today",
    "npm_config_registry_of_the_whole_company",
    "max_tokens: 1234567890123",
    "token_count=98a7b6c5d4e3f2a1",
    "tokenizer: gpt-4o-mini-2024-07-18",
    'model = "text-embedding-3-large-v2-1024d"',
    "arn:aws:iam::123456789012:role/deploy-2b",
    "primary_key: 4f9d2a7c1b8e3f60",
    "tests/test_x.py::test_a[sk-1-glpat-2]",
    "http://localhost:3000/path@v1.2.3",
    "https://registry:443/@scope/p4ck4ge-1a2b",
    "git@host.invalid:team/r3p0.git",
    "PublicKeyToken=b03f5f7f11d50a3a",
    "SELL_TOKEN=0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    "const taskToken: Uint8Array = activityInfo().taskToken;",
    "password: generate_password_hash(pw1, 2)",
    "eyJustAWord.eyJ.x",
    "AC" + Keys("sid")(HEX, 32),
    "pk_live_" + Keys("public")(ALNUM, 24),
    "the secret **values** are never told",
]


@pytest.mark.parametrize("text", SPARED)
def test_placeholders_and_look_alikes_are_spared(text: str) -> None:
    assert secrets_in(text, {}) == []
    if "://" not in text:  # there, words are masked too, but are no finding
        assert redact(text, {}) == text


def test_a_placeholder_beside_a_secret_does_not_spare_it() -> None:
    key = secret("anthropic")
    assert key not in redact(f"{key}-your-key-example", {})
    assert secrets_in(f"token = 'example-{key}'  # your-token, xxxx, <placeholder>", {}) == [(1, "anthropic key")]


def test_each_line_is_told_once_and_with_the_most_exact_kind() -> None:
    text = f"a\nAPI_KEY={secret('groq')}\n\n{secret('npm')} {secret('stripe')}\n"
    assert secrets_in(text, {}) == [(2, "groq key"), (4, "npm token"), (4, "stripe key")]
    assert secrets_in("v4lue-of-it\n\nv4lue-of-it", {"MY_TOKEN": "v4lue-of-it"}) == [
        (1, "value of MY_TOKEN"),
        (3, "value of MY_TOKEN"),
    ]


@pytest.mark.parametrize("fill", ["", "-a1", " x", "/"])
@pytest.mark.parametrize(
    "head",
    ["pypi-", "ops_eyJ", "-eyJ", "sk-ant-", "password=", "token ", "Token", "://", "-----BEGIN PRIVATE KEY-----", "Q~",
     "-----BEGIN ", "Private-Lines: 1\n", "LS0tLS1CRUdJTi", "-u ", "Bearer ", "SG.", "A9"],
)  # fmt: skip
def test_a_long_line_made_of_heads_is_no_burden(head: str, fill: str) -> None:
    """What grows with more than the length would take many minutes here."""
    line = (head + fill) * (100_000 // len(head + fill))
    assert redact(line, {})
    assert redact(head + fill * 100_000, {}).startswith((head[:2], "[redacted"))
