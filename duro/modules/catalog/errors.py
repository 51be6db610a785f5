"""What can be refused about promo codes and payment links."""

from duro.errors import ConflictError


class PromoCodeTakenError(ConflictError):
    """The merchant has this code already, in whatever case."""

    def __init__(self) -> None:
        super().__init__("There is a promo code of this name already.")


class PromoCodeClosedError(ConflictError):
    """The code is disabled, expired or used up."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The promo code cannot be redeemed. {why}")


class SlugTakenError(ConflictError):
    """Another payment link of this mode has the slug, perhaps another merchant's."""

    def __init__(self) -> None:
        super().__init__("Another payment link has this slug.")
