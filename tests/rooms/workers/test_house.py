"""Everything one process runs: it says when a part of it does not."""

import pytest

from procur.app import handlers
from procur.core.errors import Unavailable
from procur.events.running import RunningBus
from procur.workers.house import House
from procur.workers.tools import Tools


class _Short(RunningBus):
    """A bus whose only thread ends at once."""

    def _runs(self):
        return [("numbering", lambda: None)]


def test_a_thread_that_has_ended_is_told(sqlite_database, tmp_path):
    house = House(sqlite_database, Tools.from_environment(tmp_path, sqlite_database), handlers(), threads=1)
    with pytest.raises(Unavailable, match="not started yet"):
        house.check()
    house.start()
    house.check()
    whole, house._bus = house._bus, _Short(sqlite_database, None).start()
    house._bus._threads[0].join(10)
    with pytest.raises(Unavailable, match="does not run: procur-numbering"):
        house.check()
    house._bus.stop()
    house._bus = whole
    assert house.stop()
    house.check()  # what was stopped is not missing
