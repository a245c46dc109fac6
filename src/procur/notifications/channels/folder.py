"""E-mail that stays here: each message is a file in a folder, for a demo and for trying things out."""

from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from pathlib import Path

from procur.notifications.channels.mail import compose
from procur.notifications.channels.model import Outcome, Outgoing, Rejected, Sent
from procur.notifications.messages import tidy
from procur.notifications.settings import MailSettings

_LONGEST = 300


@dataclass(frozen=True)
class MailFolder:
    """Writes every message as `<Message-ID>.eml` instead of sending it; a mail program opens it."""

    folder: Path
    settings: MailSettings = field(default_factory=MailSettings)

    def check(self) -> None:
        """Make sure that there is the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def send(self, outgoing: Outgoing, *, now: datetime) -> Outcome:
        """Write the message; a second attempt writes the same file."""
        try:
            message = compose(outgoing, self.settings, now=now)
        except (ValueError, MessageError) as error:
            return Rejected(f"this cannot be a mail: {tidy(str(error), _LONGEST)}")
        name = "".join(sign if sign.isalnum() or sign in "-.@" else "-" for sign in outgoing.message_id)
        (self.folder / f"{name}.eml").write_bytes(bytes(message))
        return Sent(note="written to a file, not sent")
