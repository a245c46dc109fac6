"""Which Redis carries facts to their consumer groups: none until somebody names one."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from procur.core.settings import Settings

URL = "PROCUR_EVENTS_REDIS_URL"


class EventsRedisSettings(Settings):
    """PROCUR_EVENTS_REDIS_URL: redis://… ; PROCUR_EVENTS_REDIS_PREFIX: what every key there begins with."""

    model_config = SettingsConfigDict(env_prefix="PROCUR_EVENTS_REDIS_", extra="ignore")

    url: str | None = None
    prefix: str = Field("procur:", max_length=60, pattern=r"^[A-Za-z0-9_.:-]*$")
