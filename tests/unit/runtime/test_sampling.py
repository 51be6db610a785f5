"""Holds sample events to the shape of the real ones."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from duro.kit.schema import Out
from duro.modules.events.model import EventType
from duro.modules.invoices.schemas import InvoiceOut
from duro.modules.subscriptions.schemas import SubscriptionOut
from duro.runtime.sampling import sample

WALL: Final = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", list(EventType))
def test_a_sample_has_the_shape_of_a_real_event(kind: EventType) -> None:
    one, other = (sample(kind, now=WALL, wall=WALL) for _ in range(2))

    assert one.type is kind
    assert one.object_id != other.object_id
    assert one.data["subscriptionId"] == one.object_id
    _demand_shape(SubscriptionOut, one.data["subscription"])
    if "invoice" in one.data:
        invoice: Any = one.data["invoice"]
        assert one.data["invoiceId"] == invoice["id"]
        _demand_shape(InvoiceOut, invoice)


def _demand_shape(model: type[Out], shown: Any) -> None:  # noqa: ANN401 - JSON
    assert list(shown) == [field.alias or name for name, field in model.model_fields.items()]
    by_name = {name: shown[field.alias or name] for name, field in model.model_fields.items()}
    model.model_validate(by_name)
