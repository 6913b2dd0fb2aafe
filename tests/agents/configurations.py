"""How each agent is pointed at a model on loopback.

A function an agent: it takes an empty home and the model's address, writes there what the agent cannot be told
otherwise, and returns environment variables.
"""

import json
from collections.abc import Mapping
from pathlib import Path


def claude(_home: Path, url: str) -> Mapping[str, str]:
    """Anthropic Messages."""
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "dummy",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "1",
    }


_CODEX = """model = "scripted"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
env_key = "SCRIPTED_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
"""


def codex(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Responses."""
    _write(home / ".codex/config.toml", _CODEX.format(url=url))
    return {"SCRIPTED_API_KEY": "dummy"}


def gemini(home: Path, url: str) -> Mapping[str, str]:
    """Gemini; with an address of one's own it wants to be told how one logs in."""
    auth = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
    _write(home / ".gemini/settings.json", json.dumps({**auth, "general": {"maxAttempts": 1}}))
    return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "dummy"}


def opencode(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions, with a model that costs a dollar for a million tokens in and ten for as many out."""
    model = {
        "name": "scripted",
        "tool_call": True,
        "cost": {"input": 1, "output": 10},
        "limit": {"context": 400_000, "output": 8000},
    }
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "scripted",
        "options": {"baseURL": f"{url}/v1", "apiKey": "dummy"},
        "models": {"scripted": model},
    }
    content = {"provider": {"scripted": provider}, "model": "scripted/scripted"}
    _write(home / ".config/opencode/opencode.json", json.dumps(content))
    return {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}


def qwen(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions; without what further agents, each with tools of its own, would do."""
    retries = {"maxRetries": 1, "retryInitialDelayMs": 100, "retryMaxDelayMs": 100}
    content = {
        "memory": {"enableManagedAutoMemory": False},
        "ui": {"enableFollowupSuggestions": False},
        "model": {"generationConfig": retries},
        "security": {"auth": {"selectedType": "openai"}},
    }
    _write(home / ".qwen/settings.json", json.dumps(content))
    return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "dummy", "OPENAI_MODEL": "scripted"}


def copilot(_home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions, by a key of one's own instead of a login."""
    return {
        "COPILOT_PROVIDER_BASE_URL": f"{url}/v1",
        "COPILOT_PROVIDER_TYPE": "openai",
        "COPILOT_PROVIDER_API_KEY": "dummy",
        "COPILOT_MODEL": "gpt-5.4",
        "COPILOT_PROVIDER_WIRE_MODEL": "scripted",
        "COPILOT_OFFLINE": "true",
    }


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def pi(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions, with a price."""
    price = {"input": 1, "output": 10, "cacheRead": 0, "cacheWrite": 0}
    model = {"id": "scripted", "cost": price, "contextWindow": 400_000}
    provider = {"baseUrl": f"{url}/v1", "api": "openai-completions", "apiKey": "dummy", "models": [model]}
    _write(home / ".pi/agent/models.json", json.dumps({"providers": {"scripted": provider}}))
    chosen = {"defaultProvider": "scripted", "defaultModel": "scripted"}
    retry = {"maxRetries": 1, "baseDelayMs": 100, "provider": {"maxRetries": 0}}
    _write(home / ".pi/agent/settings.json", json.dumps({**chosen, "retry": retry}))
    return {"PI_OFFLINE": "1"}


_KIMI = """default_model = "scripted"

[providers.scripted]
type = "openai"
base_url = "{url}/v1"
api_key = "dummy"

[models.scripted]
provider = "scripted"
model = "scripted"
max_context_size = 400000

[loop_control]
max_attempts_per_step = 2
"""


def kimi(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions."""
    _write(home / ".kimi-code/config.toml", _KIMI.format(url=url))
    return {}


_LITELLM = {"OPENAI_API_KEY": "dummy", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""What programs that are built on litellm read, so that they do not fetch its table of prices."""
_PRICES = json.dumps(
    {
        "openai/scripted": {
            "input_cost_per_token": 1e-6,
            "output_cost_per_token": 1e-5,
            "litellm_provider": "openai",
            "max_input_tokens": 400_000,
            "mode": "chat",
        }
    }
)


def aider(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions, with a price."""
    _write(home / ".aider/caches/model_prices_and_context_window.json", _PRICES)
    return {
        **_LITELLM,
        "OPENAI_API_BASE": f"{url}/v1",
        "AIDER_MODEL": "openai/scripted",
        "AIDER_STREAM": "false",
        "AIDER_EDIT_FORMAT": "whole",
        "AIDER_TIMEOUT": "20",
    }


def mini(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions by litellm, with a price."""
    _write(home / "prices.json", _PRICES)
    return {
        **_LITELLM,
        "OPENAI_API_BASE": f"{url}/v1",
        "MSWEA_MODEL_NAME": "openai/scripted",
        "LITELLM_MODEL_REGISTRY_PATH": str(home / "prices.json"),
    }


def cline(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions; the file is what `cline auth` writes."""
    settings = {"provider": "openai-compatible", "apiKey": "dummy", "model": "scripted", "baseUrl": f"{url}/v1"}
    provider = {"settings": settings, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
    content = {"version": 1, "lastUsedProvider": "openai-compatible", "modes": {}}
    path = home / ".cline/data/settings/providers.json"
    _write(path, json.dumps({**content, "providers": {"openai-compatible": provider}}))
    return {}


_CONTINUE = """name: scripted
version: 1.0.0
schema: v1
models:
  - name: scripted
    provider: openai
    model: scripted
    apiKey: dummy
    apiBase: {url}/v1
    capabilities: [tool_use]
    roles: [chat]
"""


def cn(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions."""
    _write(home / ".continue/config.yaml", _CONTINUE.format(url=url))
    return {"CONTINUE_TELEMETRY_ENABLED": "0"}


def gptme(_home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions, as of a local server."""
    return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "dummy", "MODEL": "local/scripted", "TOOL_FORMAT": "tool"}


def kilo(home: Path, url: str) -> Mapping[str, str]:
    """As opencode, of which it is a relative."""
    opencode(home, url)
    (home / ".config/kilo").mkdir(parents=True)
    (home / ".config/opencode/opencode.json").rename(home / ".config/kilo/kilo.json")
    return {"KILO_DISABLE_AUTOUPDATE": "1", "KILO_DISABLE_MODELS_FETCH": "1", "KILO_TELEMETRY_LEVEL": "off"}


def nanocoder(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions."""
    provider = {"name": "scripted", "baseUrl": f"{url}/v1", "apiKey": "dummy", "models": ["scripted"]}
    _write(home / ".config/nanocoder/agents.config.json", json.dumps({"nanocoder": {"providers": [provider]}}))
    return {}


def openhands(_home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions by litellm."""
    return {
        "LLM_MODEL": "openai/scripted",
        "LLM_BASE_URL": f"{url}/v1",
        "LLM_API_KEY": "dummy",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


_VIBE = """active_model = "scripted"

[[providers]]
name = "scripted"
api_base = "{url}/v1"
api_key_env_var = "SCRIPTED_API_KEY"
api_style = "openai"
backend = "generic"

[[models]]
name = "scripted"
provider = "scripted"
alias = "scripted"
input_price = 1.0
output_price = 10.0
"""


def vibe(home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions, with a price."""
    _write(home / ".vibe/config.toml", _VIBE.format(url=url))
    return {"SCRIPTED_API_KEY": "dummy"}


def grok(_home: Path, url: str) -> Mapping[str, str]:
    """OpenAI Chat Completions."""
    return {"GROK_BASE_URL": f"{url}/v1", "GROK_API_KEY": "dummy", "GROK_MODEL": "scripted"}
