"""Tell people and systems what happened: e-mail, Slack, signed webhooks, and a log of it all."""
