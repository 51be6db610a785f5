"""What stands for more and for any value in the answers of the guides, and what does not."""

import pytest

from tests.support.samples import Sample, disagreements, samples


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ('{"id": "plan_…", …}', '{"id": "plan_1", "name": "Gold"}'),
        ('{"items": [{"a": 1}, …], …}', '{"items": [{"a": 1}, {"a": 2}], "hasMore": true}'),
        ('{"counts": {"a": …, …}}', '{"counts": {"a": 7, "b": 1}}'),
        ('{"a": 1} {"b": "…"}', '{"a": 1}{"b": null}'),
    ],
)
def test_what_the_page_leaves_open_agrees_with_anything(shown: str, said: str) -> None:
    assert disagreements(Sample("", shown, is_json=True), said) == []


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ('{"id": "plan_…", …}', '{"id": "cus_1", "name": "Gold"}'),
        ('{"id": "plan_…"}', '{"id": "plan_1", "name": "Gold"}'),
        ('{"amount": 5, …}', '{"name": "Gold"}'),
        ('{"amount": 5}', '{"amount": 5.0}'),
        ('{"active": true}', '{"active": 1}'),
        ("[1, 2]", "[1, 2, 3]"),
        ("[1, 2, …]", "[1]"),
    ],
)
def test_what_the_page_does_show_must_come(shown: str, said: str) -> None:
    assert disagreements(Sample("", shown, is_json=True), said) != []


def test_an_answer_belongs_to_the_commands_before_it() -> None:
    page = '```json\n{}\n```\n```bash\none\n```\n```json\n{"a": 1}\n```\n```bash\ntwo\n```\n'

    first, second = samples(page)

    assert (first.commands, first.shown, first.is_json) == ("one\n", '{"a": 1}\n', True)
    assert (second.commands, second.shown) == ("two\n", "")
