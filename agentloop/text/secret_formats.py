"""What secrets look like, as data: a row a format.

The facts (prefixes, lengths, alphabets) are those that the providers document and that secret scanners agree on. Only
what can be told from ordinary text by its structure has a row; a key without a prefix (Mistral, Cohere, Datadog,
Heroku's old ones) is found where it is assigned to a telling name.
"""

from typing import Literal, NamedTuple

_END = r"(?![A-Za-z0-9])"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Format(NamedTuple):
    """How one kind of secret is found.

    A text is searched for the heads alone, all formats' at once; the rest is tried only where one stands. So a head is
    literal, and every repetition in a tail has a limit: a text made of heads costs no more than its length.
    """

    kind: str
    heads: str
    """The literal beginnings, separated by `|`."""
    tail: str
    """The pattern of what follows a head. The first group, where there is one, is the secret; else all of it is."""
    before: tuple[str, int] = ("", 0)
    """What stands before the head and belongs to the secret: a class of characters, and how many."""
    apart: bool = True
    """Whether a head begins a word. Those that also stand inside of one begin with what is rare in texts."""
    random: Literal["never", "to report", "always"] = "never"
    """Whether it has to look random: never; to be a finding, though not to be masked; to be one at all."""


_AWS_SECRET = ("secret access key", "aws secret key")
_NAMES = (
    "password", "passwd", "passphrase", "pwd", "db password", "secret", "client secret", "token", "auth token",
    "credential", "credentials", "api key", "secret key", "access key", "private key", "auth key", "account key",
    "storage key", "signing key", "encryption key", "master key", "service key", "subscription key", "app key",
    "application key",
)  # fmt: skip


def _lower(names: tuple[str, ...]) -> str:
    """The spellings of names that begin a word: api_key, api-key, apikey, apiKey."""
    parts = [name.split() for name in names]
    camel = [first + "".join(part.capitalize() for part in rest) for first, *rest in parts]
    return "|".join(dict.fromkeys([sign.join(each) for each in parts for sign in ("_", "-", "")] + camel))


def _upper(names: tuple[str, ...]) -> str:
    """The spellings of names that stand inside a word, too: API_KEY, API-KEY, APIKEY, ApiKey, Api-Key, API-Key."""
    titles = [name.title().split() for name in names]
    mixed = [[first.upper(), *rest] for first, *rest in titles if rest]
    return "|".join(
        [*_lower(names).upper().split("|"), *(sign.join(each) for each in titles + mixed for sign in ("", "-"))]
    )


_ASSIGNS = (
    r"""(?:["'`]\]?)?[ \t]{0,4}"""
    r"""(?::[ \t]?[A-Za-z_.\[\]| ]{1,30}=|:=|=>|==?|:|>|[ \t](?=["'`]?[^\s=:]))[ \t]{0,4}["'`]?"""
)
_VALUE = r"""((?!\$)[^\s"'`<>{}()\[\],;|\\&]{10,1500}+)(?![\[({])"""
_AWS_VALUE = r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
_PEM = (
    r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?----"
    r"(?:(?:[^-`]|-(?!---)){0,20000}+-?---- ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-----?"
    r"|-?(?:[\s\"'+>\\,|]{0,40}[A-Za-z0-9+/=]{20,100}){1,400})"
)

FORMATS: tuple[Format, ...] = (
    Format("private key", "-----BEGIN |---- BEGIN SSH2 ", _PEM),
    Format(
        "private key",
        "Private-Lines: ",
        r"[0-9]{1,4}\s{1,4}([A-Za-z0-9+/=]{40,80}(?:\s{1,4}[A-Za-z0-9+/=]{4,80}(?!\S)){0,400})",
    ),
    Format(
        "private key",
        "LS0tLS1CRUdJTi",
        r"[A-Za-z0-9+/]{0,20}?(?:UFJJVkFURS|BSSVZBVEUg|QUklWQVRF)[A-Za-z0-9+/=]{40,20000}",
    ),
    # clouds and hosting
    Format("aws access key", "AKIA|ASIA|ABIA|ACCA", rf"[A-Z2-7]{{16}}{_END}"),
    Format("aws bedrock key", "ABSK", r"[A-Za-z0-9+/]{109,269}={0,2}"),
    Format("azure storage key", "AccountKey=", r"[A-Za-z0-9+/]{86}=="),
    Format("azure access key", "SharedAccessKey=|SharedSecretValue=", r"[A-Za-z0-9+/]{42,86}={1,2}"),
    Format("azure signature", "sig=", r"((?:[A-Za-z0-9+/]|%[0-9A-Fa-f]{2}){43}(?:=|%3[Dd]))"),
    Format("azure client secret", "Q~", r"[\w~.-]{31,34}(?![\w~-])", before=(r"[\w~.]", 4), apart=False),
    Format("azure devops token", "AZDO", rf"[A-Za-z0-9]{{4}}{_END}", before=("[A-Za-z0-9]", 76), apart=False),
    Format("google key", "AIza", r"[\w-]{35}(?![\w-])"),
    Format("google key", "AQ.Ab", r"[\w-]{40,80}"),
    Format("google oauth secret", "GOCSPX-", r"[\w-]{28}"),
    Format("google oauth token", "ya29.|1//0", r"[\w-]{40,600}"),
    Format("firebase key", ":APA91b", r"[\w-]{100,200}", before=(r"[\w-]", 11), apart=False),
    Format("alibaba access key", "LTAI", rf"[A-Za-z0-9]{{16,20}}{_END}", random="always"),
    Format("tencent access key", "AKID", rf"[A-Za-z0-9]{{32}}{_END}"),
    Format("yandex key", "AQVN", r"[\w-]{35,38}(?![\w-])"),
    Format("digitalocean token", "dop_v1_|doo_v1_|dor_v1_", r"[a-f0-9]{64}"),
    Format("heroku key", "HRKU-", r"[\w-]{36,64}"),
    Format("netlify token", "nfp_|nfc_|nfo_|nfu_|nfb_", rf"[A-Za-z0-9]{{36}}{_END}"),
    Format("vercel token", "vcp_|vci_|vca_|vcr_|vck_", rf"[A-Za-z0-9]{{24,80}}{_END}"),
    Format("cloudflare token", "cfk_|cfut_|cfat_", rf"[A-Za-z0-9]{{40}}[0-9a-f]{{8}}{_END}"),
    Format("cloudflare origin key", "v1.0-", r"[a-f0-9]{24}-[a-f0-9]{146}"),
    Format("fly.io token", "fo1_", r"[\w-]{43}"),
    Format("fly.io token", "fm1a_|fm1r_|fm2_", r"[A-Za-z0-9+/]{100,2000}={0,3}"),
    Format("render key", "rnd_", rf"[A-Za-z0-9]{{28,40}}{_END}"),
    Format("supabase key", "sbp_", rf"[a-f0-9]{{40}}{_END}"),
    Format("supabase key", "sb_secret_", r"[\w-]{24,60}"),
    Format("planetscale token", "pscale_tkn_|pscale_oauth_|pscale_pw_", r"[\w=.-]{32,64}"),
    Format("neon key", "napi_", r"[a-z0-9]{60,80}"),
    Format("mongodb atlas secret", "mdb_sa_sk_", r"[\w-]{32,48}"),
    Format("databricks token", "dapi", rf"[a-f0-9]{{32}}(?:-[0-9])?{_END}"),
    Format("openshift token", "sha256~", r"[\w-]{43}(?![\w-])"),
    # code, packages, delivery
    Format("github token", "ghp_|gho_|ghu_|ghs_|ghr_", r"[A-Za-z0-9]{36,255}"),
    Format("github token", "github_pat_", r"[A-Za-z0-9_]{40,255}"),
    Format(
        "gitlab token",
        "glpat-|gldt-|glrt-|glrtr-|glcbt-|glptt-|glft-|glffct-|glimt-|glagent-|gloas-|glsoat-|GR1348941",
        r"[\w-]{20,300}(?:\.[0-9a-z]{2}[0-9a-z]{7})?",
    ),
    Format("bitbucket app password", "ATBB", rf"[A-Za-z0-9]{{32}}{_END}"),
    Format("atlassian token", "ATATT3|ATCTT3|ATSTT3", r"[\w=-]{60,255}"),
    Format("npm token", "npm_", rf"[A-Za-z0-9]{{36}}{_END}"),
    Format("package index token", "pypi-", r"[\w-]{50,1000}"),
    Format("rubygems key", "rubygems_", rf"[a-f0-9]{{48}}{_END}"),
    Format("crates.io token", "cio", rf"[A-Za-z0-9]{{32}}{_END}", random="always"),
    Format("nuget key", "oy2", rf"[a-z0-9]{{43}}{_END}"),
    Format("clojars token", "CLOJARS_", rf"[a-z0-9]{{60}}{_END}"),
    Format("docker hub token", "dckr_pat_|dckr_oat_", r"[\w-]{27,40}"),
    Format("artifactory token", "AKCp|cmVmd", rf"[A-Za-z0-9]{{59,69}}{_END}"),
    Format("buildkite token", "bkua_", rf"[a-f0-9]{{40}}{_END}"),
    Format("circleci token", "CCIPAT_|CCIPRJ_", r"[A-Za-z0-9]{20,24}_[a-f0-9]{40}"),
    Format("sonarqube token", "sqp_|squ_|sqa_", rf"[a-f0-9]{{40}}{_END}"),
    Format("sourcegraph token", "sgp_", rf"(?:(?:[a-f0-9]{{16}}|local)_)?[a-f0-9]{{40}}{_END}"),
    Format("octopus deploy key", "API-", rf"[A-Z0-9]{{26}}{_END}", random="always"),
    Format("prefect token", "pnu_", rf"[A-Za-z0-9]{{36}}{_END}"),
    Format("pulumi token", "pul-", rf"[a-f0-9]{{40}}{_END}"),
    Format("terraform token", ".atlasv1.", r"[\w-]{60,70}", before=("[A-Za-z0-9]", 14), apart=False),
    Format("vault token", "hvs.|hvb.|hvr.", r"[\w-]{24,300}"),
    Format("doppler token", "dp.pt.|dp.st.|dp.ct.|dp.sa.|dp.scim.|dp.audit.", r"(?:[\w-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    Format("1password token", "ops_eyJ", r"[\w+/=-]{100,2000}"),
    Format(
        "1password secret key",
        "A3-",
        rf"[A-Z0-9]{{6}}-(?:[A-Z0-9]{{11}}|[A-Z0-9]{{6}}-[A-Z0-9]{{5}})(?:-[A-Z0-9]{{5}}){{3}}{_END}",
    ),
    Format("age secret key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{58}"),
    Format("tailscale key", "tskey-", r"[a-z]{2,12}-[A-Za-z0-9]{8,20}-[A-Za-z0-9]{20,40}"),
    # models
    Format("anthropic key", "sk-ant-", r"[\w-]{20,200}"),
    Format("openai key", "sk-proj-|sk-svcacct-|sk-admin-|sk-None-", r"[\w-]{20,255}"),
    Format("openrouter key", "sk-or-v1-", rf"[a-f0-9]{{64}}{_END}"),
    Format("langfuse key", "sk-lf-", _UUID),
    Format("openai key", "sk-", rf"[A-Za-z0-9]{{40,64}}{_END}"),
    Format("deepseek key", "sk-", rf"[a-f0-9]{{32}}{_END}"),
    Format("hugging face token", "hf_|api_org_", rf"[A-Za-z0-9]{{30,60}}{_END}"),
    Format("replicate token", "r8_", rf"[A-Za-z0-9]{{37}}{_END}"),
    Format("groq key", "gsk_", rf"[A-Za-z0-9]{{52}}{_END}"),
    Format("perplexity key", "pplx-", rf"[A-Za-z0-9]{{48}}{_END}"),
    Format("xai key", "xai-", rf"[A-Za-z0-9]{{80}}{_END}"),
    Format("cerebras key", "csk-", rf"[a-z0-9]{{48}}{_END}"),
    Format("nvidia key", "nvapi-", r"[\w-]{60,70}"),
    Format("pinecone key", "pcsk_", r"[A-Za-z0-9]{5,8}_[A-Za-z0-9]{40,80}"),
    Format("together key", "tgp_v1_", r"[\w-]{43}"),
    Format("langsmith key", "lsv2_pt_|lsv2_sk_", r"[a-f0-9]{32}_[a-f0-9]{10}"),
    Format("tavily key", "tvly-", r"(?:dev-|prod-)?[A-Za-z0-9]{32}"),
    Format("elevenlabs key", "sk_", rf"[a-f0-9]{{48}}{_END}"),
    Format("e2b key", "e2b_", rf"[a-f0-9]{{40}}{_END}"),
    Format("apify token", "apify_api_", rf"[A-Za-z0-9]{{34,40}}{_END}"),
    # messages
    Format(
        "slack token", "xoxa-|xoxb-|xoxc-|xoxd-|xoxe-|xoxe.|xoxo-|xoxp-|xoxr-|xoxs-|xapp-", r"[A-Za-z0-9%-]{10,255}"
    ),
    Format("slack webhook", "hooks.slack.com/", r"(?:services|workflows|triggers)/[A-Za-z0-9+/]{30,80}"),
    Format("discord token", "|".join(a + b for a in "MNO" for b in "DTjz"), r"[\w-]{22,26}\.[\w-]{6}\.[\w-]{27,40}"),
    Format("discord webhook", "discord.com/api/webhooks/|discordapp.com/api/webhooks/", r"[0-9]{17,20}/[\w-]{60,80}"),
    Format(
        "teams webhook",
        ".webhook.office.com/webhookb2/",
        rf"{_UUID}@{_UUID}/IncomingWebhook/[0-9a-f]{{32}}/{_UUID}",
        apart=False,
    ),
    Format("telegram token", ":AA", r"(?<=[0-9]{8}:AA)[\w-]{33}(?![\w-])", apart=False),
    Format("twilio key", "SK", rf"[0-9a-f]{{32}}{_END}"),
    Format("sendgrid key", "SG.", r"[\w-]{16,32}\.[\w-]{30,64}"),
    Format("mailgun key", "key-", rf"[0-9a-f]{{32}}{_END}"),
    Format("mailchimp key", "-us", rf"[0-9]{{1,2}}{_END}", before=("[0-9a-f]", 32), apart=False),
    Format("brevo key", "xkeysib-|xsmtpsib-", r"[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Format("resend key", "re_", rf"[A-Za-z0-9]{{8}}_[A-Za-z0-9]{{20,32}}{_END}", random="always"),
    # money and shops
    Format("stripe key", "sk_live_|rk_live_|sk_test_|rk_test_", r"[A-Za-z0-9]{20,250}"),
    Format("webhook signing secret", "whsec_", r"[A-Za-z0-9+/]{24,80}={0,2}"),
    Format("square token", "sq0atp-|sq0csp-", r"[\w-]{22,60}"),
    Format("square token", "EAAA", r"[\w-]{60}(?![\w-])"),
    Format("facebook token", "EAA", rf"[A-Za-z0-9]{{80,400}}{_END}"),
    Format("braintree token", "access_token$production$|access_token$sandbox$", r"[0-9a-z]{16}\$[0-9a-f]{32}"),
    Format("shopify token", "shpat_|shpca_|shppa_|shpss_|shptka_", r"[a-fA-F0-9]{32}"),
    Format("shippo token", "shippo_live_|shippo_test_", r"[a-f0-9]{40}"),
    Format("easypost key", "EZAK|EZTK", rf"[A-Za-z0-9]{{54}}{_END}"),
    Format("flutterwave key", "FLWSECK-|FLWSECK_TEST-", r"[0-9a-f]{32}-X"),
    # watching
    Format("new relic key", "NRAK-|NRII-", r"[A-Za-z0-9-]{27,32}"),
    Format("grafana token", "glsa_", r"[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    Format("grafana token", "glc_", r"[A-Za-z0-9+/]{32,400}={0,3}"),
    Format("sentry token", "sntrys_", r"[A-Za-z0-9+/=]{40,400}_[A-Za-z0-9+/]{43}"),
    Format("sentry token", "sntryu_", r"[a-f0-9]{64}"),
    Format("dynatrace token", "dt0c01.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Format("honeycomb key", "hcaik_|hcxik_", r"[a-z0-9]{40,64}"),
    Format("posthog key", "phx_", r"[A-Za-z0-9]{40,64}"),
    # offices
    Format("linear key", "lin_api_|lin_oauth_", r"[A-Za-z0-9]{40,64}"),
    Format("notion token", "ntn_", r"[0-9]{11}[A-Za-z0-9]{35}"),
    Format("notion token", "secret_", rf"[A-Za-z0-9]{{43}}{_END}"),
    Format("airtable token", "pat", rf"[A-Za-z0-9]{{14}}\.[a-f0-9]{{64}}{_END}"),
    Format("asana token", "0/1|1/1|2/1", r"[0-9]{11,16}(?:/[0-9]{12,17})?:[0-9a-f]{32}"),
    Format("clickup token", "pk_", rf"[0-9]{{5,10}}_[A-Z0-9]{{32}}{_END}"),
    Format("figma token", "figd_|figu_|figo_", r"[\w-]{38,60}"),
    Format("postman key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    Format("hubspot token", "pat-na1-|pat-na2-|pat-eu1-|pat-ap1-", _UUID),
    Format("contentful token", "CFPAT-", r"[\w-]{43}"),
    Format("typeform token", "tfp_", r"[\w-]{40,60}"),
    Format("readme key", "rdme_", r"[a-z0-9]{60,80}"),
    Format("dropbox token", "sl.", r"(?:u\.)?[\w-]{130,2000}"),
    Format("mapbox token", "sk.eyJ", r"[\w-]{50,120}\.[\w-]{22}"),
    Format("maxmind key", "_mmk", _END, before=(r"\w", 36), apart=False),
    Format("json web token", "eyJ", r"[\w-]{10,600}\.eyJ[\w-]{10,6000}\.[\w-]{10,800}"),
    # where it stands tells it
    Format(
        "password in an address",
        "://",
        r"[^\s/:@'\"`<>$]{0,100}:(?![0-9]{1,5}[/?#]|\$|(?i:pass(?:word|wd)?)@)"
        r"((?:(?!://)[^\s'\"`<>{}()\[\]|\\]){3,200})@(?=[A-Za-z0-9\[])",
        apart=False,
        random="to report",
    ),
    Format("bearer token", "Bearer |bearer ", r"([A-Za-z0-9._~+/-]{20,2000}=*)", random="to report"),
    Format(
        "basic authorization",
        "Basic |basic ",
        r"((?!dXNlc|QWxhZGRpbj)[A-Za-z0-9+/]{16,400}={0,2})(?![\w+/=-])",
        random="always",
    ),
    Format(
        "password of a command",
        "-u |--user |--user=",
        r"[\"']?[^\s:\"'$<{/]{1,100}:([^\s:\"'$<{*]{3,100})(?=[\"'\s]|\Z)",
        random="always",
    ),
    Format("aws secret key", _lower(_AWS_SECRET), _ASSIGNS + _AWS_VALUE, random="always"),
    Format("aws secret key", _upper(_AWS_SECRET), _ASSIGNS + _AWS_VALUE, random="always", apart=False),
    Format("assigned secret", _lower(_NAMES), _ASSIGNS + _VALUE, random="always"),
    Format("assigned secret", _upper(_NAMES), r"(?<!PublicKeyToken)" + _ASSIGNS + _VALUE, random="always", apart=False),
)
