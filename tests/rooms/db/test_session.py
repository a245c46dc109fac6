from procur.db import DatabaseSession


def test_x(database: DatabaseSession, session, people):
    assert session.execute("SELECT 1").scalar() == 1
