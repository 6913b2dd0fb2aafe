"""Secrets are masked, placeholders are spared."""

import pytest

from agentloop.text.redact import redact, secrets_in

# Put together here, so that no scanner takes this file for a leak.
SECRETS = {
    "aws access key": "AKIA" + "Q3EGT7ZSPD5N2KLM",
    "github token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2,
    "anthropic key": "sk-ant-" + "api03-" + "Zq9" * 12,
    "openai key": "sk-proj-" + "Zq9w" * 10,
    "google key": "AIza" + "SyD3kf9" * 5,
    "slack token": "xoxb-" + "27364-9182736450-AbCdEf",
    "stripe key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "npm token": "npm_" + "aB3d" * 9,
    "hugging face token": "hf_" + "aBcDe" * 7,
    "json web token": "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiJhZGEifQ9" + "." + "s1gnatur3s1gnatur3",
    "password in an address": "ada:s3cr3t!pw",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_masked_and_named(kind: str) -> None:
    secret = SECRETS[kind]
    text = f"first\nurl postgres://{secret}@db/x end" if "address" in kind else f"first\nbefore {secret} after"
    assert secret not in redact(text, {})
    assert f"[redacted: {kind}]" in redact(text, {})
    assert (2, kind) in secrets_in(text, {})


def test_a_private_key_is_masked_whole() -> None:
    text = "-----BEGIN RSA " + "PRIVATE KEY-----\nabc\ndef\n-----END RSA " + "PRIVATE KEY-----\nafter"
    assert redact(text, {}) == "[redacted: private key]\nafter"


def test_the_value_of_a_secret_variable_is_masked() -> None:
    environment = {"SERVICE_API_KEY": "plain-looking-9", "KEYBOARD": "qwertyuiop-1", "SSH_KEY": "/home/ada/.ssh/id"}
    assert redact("use plain-looking-9 qwertyuiop-1", environment) == (
        "use [redacted: value of SERVICE_API_KEY] qwertyuiop-1"
    )


@pytest.mark.parametrize(
    "text",
    ["sk-ant-YOUR_KEY_HERE_PLEASE_FILL_IN", "https://user:password@example.com/x", "AKIAIOSFODNN7EXAMPLE",
     "Bearer ${TOKEN}", "a plain sentence about keys and tokens"],
)  # fmt: skip
def test_placeholders_are_spared(text: str) -> None:
    assert redact(text, {}) == text
    assert secrets_in(text, {}) == []


@pytest.mark.parametrize("name", ["PGPASSWORD", "MYSQL_PWD_TOKEN", "AWS_SECRET", "OPENAI_API_KEY", "DEPLOY_KEY"])
def test_the_value_of_a_variable_with_a_telling_name_is_masked(name: str) -> None:
    assert "h0rse-battery" not in redact("the value is h0rse-battery", {name: "h0rse-battery"})


def test_other_variables_are_spared() -> None:
    assert redact("it is h0rse-battery", {"MONKEY": "h0rse-battery"}) == "it is h0rse-battery"
