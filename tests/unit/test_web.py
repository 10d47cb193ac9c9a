"""A serving process's own settings of the interpreter, while it serves and after."""

import gc

from kit.collector import few_collections


def test_the_collector_leaves_alone_what_stands_while_the_app_serves_and_only_then() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with few_collections():
        assert gc.get_threshold() == (50_000, 20, 20)
        assert gc.get_freeze_count() > 10_000
    assert (gc.get_threshold(), frozen, gc.get_freeze_count()) == (before, 0, 0)


def test_a_process_may_say_how_seldom() -> None:
    with few_collections((9, 8, 7)):
        assert gc.get_threshold() == (9, 8, 7)
