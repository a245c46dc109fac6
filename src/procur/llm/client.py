"""Ask a model behind an OpenAI-compatible address; every failure is said in plain words, none is hidden."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from procur.core.errors import InvalidInput, NotConfigured, Unavailable

Schema = TypeVar("Schema", bound=BaseModel)
_NEEDED = ("PROCUR_LLM_BASE_URL", "PROCUR_LLM_MODEL", "PROCUR_LLM_API_KEY")
_LONGEST_WAIT = 600


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the model is; the key never shows in a representation."""

    base_url: str
    model: str
    api_key: str = field(repr=False)
    timeout: float = 30.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings, or raise NotConfigured naming the variables to set."""
        given = os.environ if environment is None else environment
        missing = [name for name in _NEEDED if not given.get(name, "").strip()]
        if missing:
            raise NotConfigured("No language model is configured.", hint=f"Set {', '.join(missing)}.")
        base_url, model, key = (given[name].strip() for name in _NEEDED)
        if not base_url.startswith(("https://", "http://")):
            raise InvalidInput("PROCUR_LLM_BASE_URL must start with https:// or http://", field=_NEEDED[0])
        return cls(base_url, model, key, _seconds(given.get("PROCUR_LLM_TIMEOUT", "").strip() or "30"))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered and what that took; `cost` in US dollars, None where the price is unknown."""

    text: str
    data: BaseModel | None
    model: str
    tokens_in: int
    tokens_out: int
    cost: Decimal | None
    latency_ms: int


def ask(
    prompt: str,
    *,
    schema: type[Schema] | None = None,
    instructions: str = "",
    settings: Settings | None = None,
) -> Reply:
    """Return the model's answer; with a `schema` its JSON, validated. Not for use inside an event loop."""
    chosen = settings or Settings.from_environment()
    if schema is not None:
        instructions = (
            f"{instructions}\nAnswer with one JSON object of this schema only: {schema.model_json_schema()}"
        )
    started = time.monotonic()
    problem, tokens_in, tokens_out = "no answer", 0, 0
    for _ in range(2):  # one retry at most
        try:
            text, used_in, used_out = asyncio.run(_request(prompt, instructions, chosen))
        except _Failed as failed:
            problem, again = failed.args
            if again:
                continue
            break
        tokens_in, tokens_out = tokens_in + used_in, tokens_out + used_out
        try:
            data = None if schema is None else schema.model_validate_json(_json_in(text))
        except ValidationError:
            problem = "it did not answer with the JSON that was asked for"
            continue
        used = tokens_in, tokens_out
        took = round((time.monotonic() - started) * 1000)
        return Reply(text, data, chosen.model, *used, price(chosen, *used), took)
    # The original error may quote the request; it is left out on purpose.
    raise Unavailable(f"The language model {chosen.model} is of no help now: {problem}.") from None


def price(settings: Settings, tokens_in: int, tokens_out: int) -> Decimal | None:
    """Return the cost in US dollars by the public price list, or None: a price is never invented."""
    from genai_prices import Usage, calc_price

    if not (tokens_in or tokens_out):
        return None
    try:
        used = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
        return calc_price(used, settings.model, provider_api_url=settings.base_url).total_price
    except (LookupError, ValueError):
        return None


class _Failed(Exception):
    """Why a try failed, and whether another one may help."""


async def _request(prompt: str, instructions: str, settings: Settings) -> tuple[str, int, int]:
    try:
        from openai import AsyncOpenAI
        from pydantic_ai import exceptions
        from pydantic_ai.direct import model_request
        from pydantic_ai.messages import ModelRequest, TextPart
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider
    except ImportError:
        raise NotConfigured(
            "The part that talks to language models is not installed.", hint="pip install 'procur[ai]'"
        ) from None
    # The client's own retries would multiply ours; the outer limit also ends an answer that trickles.
    key, wait = settings.api_key, settings.timeout
    async with AsyncOpenAI(base_url=settings.base_url, api_key=key, timeout=wait, max_retries=0) as client:
        model = OpenAIChatModel(settings.model, provider=OpenAIProvider(openai_client=client))
        message = ModelRequest.user_text_prompt(prompt, instructions=instructions or None)
        try:
            async with asyncio.timeout(wait):
                reply = await model_request(model, [message])
        except (TimeoutError, exceptions.ModelTimeoutError):
            raise _Failed(f"no answer within {wait:g} seconds", False) from None
        except exceptions.ModelHTTPError as error:
            retry = error.status_code >= 500 or error.status_code == 429  # noqa: PLR2004 - HTTP
            raise _Failed(f"it answered with HTTP {error.status_code}", retry) from None
        except (exceptions.AgentRunError, exceptions.UserError):
            raise _Failed("it cannot be reached or its answer cannot be read", True) from None
    text = "".join(part.content for part in reply.parts if isinstance(part, TextPart))
    return text, reply.usage.input_tokens, reply.usage.output_tokens


def _json_in(text: str) -> str:
    """Return the JSON object of an answer that wraps it in a code fence or in words."""
    return text[max(text.find("{"), 0) : text.rfind("}") + 1] or text


def _seconds(words: str) -> float:
    seconds = float(words) if words.replace(".", "", 1).isdecimal() else 0.0
    if not 0 < seconds <= _LONGEST_WAIT:
        raise InvalidInput(
            f"PROCUR_LLM_TIMEOUT must be seconds up to {_LONGEST_WAIT}", field="PROCUR_LLM_TIMEOUT"
        )
    return seconds
