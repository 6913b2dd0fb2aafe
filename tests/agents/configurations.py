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
    """OpenAI Chat Completions; without the memory, of which a second agent with tools of its own takes care."""
    retries = {"maxRetries": 1, "retryInitialDelayMs": 100, "retryMaxDelayMs": 100}
    content = {
        "memory": {"enableManagedAutoMemory": False},
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
