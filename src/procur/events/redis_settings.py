"""Which Redis carries facts to their consumer groups: none until somebody names one."""

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from procur.core.errors import InvalidInput

URL = "PROCUR_EVENTS_REDIS_URL"


class EventsRedisSettings(BaseSettings):
    """PROCUR_EVENTS_REDIS_URL: redis://… ; PROCUR_EVENTS_REDIS_PREFIX: what every key there begins with."""

    model_config = SettingsConfigDict(env_prefix="PROCUR_EVENTS_REDIS_", extra="ignore")

    url: str | None = None
    prefix: str = Field("procur:", max_length=60, pattern=r"^[A-Za-z0-9_.:-]*$")


def events_redis_settings() -> EventsRedisSettings:
    """Read the environment; InvalidInput names the variable that does not fit."""
    try:
        return EventsRedisSettings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = f"PROCUR_EVENTS_REDIS_{str(first['loc'][0]).upper()}"
        raise InvalidInput(f"{field}: {first['msg']}", field=field) from error
