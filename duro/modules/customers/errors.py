"""What can be refused about customers."""

from duro.errors import ConflictError


class MerchantRefTakenError(ConflictError):
    """Another customer of the merchant has this merchantRef."""

    def __init__(self) -> None:
        super().__init__("Another customer has this merchantRef.")
