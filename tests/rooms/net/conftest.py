import pytest

from factories.pages import serving


@pytest.fixture
def pages():
    with serving() as served:
        yield served
