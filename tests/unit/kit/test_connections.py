"""Owns the claims about when a connection of a pool is known to be free."""

import pytest

from duro.kit.connections import Use


def test_the_first_connection_has_to_be_opened_and_the_next_is_free() -> None:
    use = Use(2)

    with use as first:
        pass
    with use as second, use as beside:
        pass

    assert (first, second, beside) == (False, True, False)


def test_who_waits_beyond_the_size_of_the_pool_opens_nothing() -> None:
    use = Use(1)

    with use, use:
        pass
    with use as free, use as waiting:
        pass

    assert (free, waiting) == (True, False)


def test_what_could_not_be_borrowed_was_never_open() -> None:
    use = Use(1)

    with pytest.raises(TimeoutError), use:
        raise TimeoutError
    with use as is_free:
        pass

    assert not is_free
