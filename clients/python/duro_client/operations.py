"""A method for each operation; generated from the OpenAPI document, not written by hand."""

from typing import Any, Literal

from duro_client import wire
from duro_client.models import (
    AccountsOut,
    AdvanceOut,
    BacktestOut,
    BacktestPopulation,
    Billing,
    CheckoutSessionOut,
    CustomerOut,
    CustomerPage,
    DiscountType,
    Duration,
    Escalation,
    EventDetailOut,
    EventPage,
    FailuresOut,
    GatewayChargePage,
    Interval,
    InvoiceDetail,
    InvoiceOut,
    InvoicePage,
    LedgerOut,
    MandateOut,
    MandatePage,
    OverviewOut,
    PaymentLinkOut,
    PaymentLinkPage,
    PaymentMethodPage,
    PaymentRequestOut,
    PaymentRequestPage,
    PlanChangeOut,
    PlanOut,
    PlanPage,
    PromoCodeOut,
    PromoCodePage,
    RecoveryCaseDetail,
    RecoveryCasePage,
    RecoveryOut,
    RecoverySettingsOut,
    RefundOut,
    SubscriptionOut,
    SubscriptionPage,
    SuspenseAction,
    SuspenseItemOut,
    SuspenseItemPage,
    TestClockOut,
    TransactionOut,
    TransactionPage,
    VirtualAccountOut,
    When,
)
from duro_client.wire import UNSET, Request, Unset


class Operations:
    """Every operation, blocking."""

    def _send(self, request: Request) -> Any:
        raise NotImplementedError

    def list_events(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        type: Literal[
            "subscription_created",
            "subscription_activated",
            "subscription_updated",
            "subscription_plan_changed",
            "subscription_paused",
            "subscription_resumed",
            "subscription_past_due",
            "subscription_recovered",
            "subscription_unpaid",
            "subscription_expired",
            "subscription_cancelled",
            "subscription_payment_success",
            "subscription_payment_failed",
            "subscription_payment_recovered",
            "subscription_payment_refunded",
            "subscription_payment_action_required",
            "invoice_created",
        ]
        | Unset = UNSET,
    ) -> EventPage:
        """Events, newest first."""
        request = wire.request(
            "GET",
            "/v1/events",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "type": type,
            },
        )
        answer: EventPage = self._send(request)
        return answer

    def list_plans(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        active: bool | Unset = UNSET,
    ) -> PlanPage:
        """Plans, newest first."""
        request = wire.request(
            "GET",
            "/v1/plans",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "active": active,
            },
        )
        answer: PlanPage = self._send(request)
        return answer

    def create_plan(
        self,
        *,
        name: str,
        amount: int,
        interval: Interval,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
        interval_count: int | Unset = UNSET,
        trial_days: int | Unset = UNSET,
        max_cycles: int | None | Unset = UNSET,
        allow_multiple: bool | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PlanOut:
        """Make a plan."""
        request = wire.request(
            "POST",
            "/v1/plans",
            body={
                "name": name,
                "amount": amount,
                "interval": interval,
                "currency": currency,
                "intervalCount": interval_count,
                "trialDays": trial_days,
                "maxCycles": max_cycles,
                "allowMultiple": allow_multiple,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: PlanOut = self._send(request)
        return answer

    def read_plan(
        self,
        id: str,
    ) -> PlanOut:
        """One plan."""
        request = wire.request(
            "GET",
            f"/v1/plans/{wire.segment(id)}",
        )
        answer: PlanOut = self._send(request)
        return answer

    def update_plan(
        self,
        id: str,
        *,
        name: str | Unset = UNSET,
        amount: int | Unset = UNSET,
        trial_days: int | Unset = UNSET,
        max_cycles: int | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PlanOut:
        """Change a plan; issued invoices keep their amount."""
        request = wire.request(
            "PATCH",
            f"/v1/plans/{wire.segment(id)}",
            body={
                "name": name,
                "amount": amount,
                "trialDays": trial_days,
                "maxCycles": max_cycles,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: PlanOut = self._send(request)
        return answer

    def archive_plan(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> PlanOut:
        """Archive a plan: nobody can start on it, those who have it keep it."""
        request = wire.request(
            "DELETE",
            f"/v1/plans/{wire.segment(id)}",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: PlanOut = self._send(request)
        return answer

    def list_promo_codes(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        code: str | Unset = UNSET,
        plan_id: str | Unset = UNSET,
        active: bool | Unset = UNSET,
    ) -> PromoCodePage:
        """Promo codes, newest first."""
        request = wire.request(
            "GET",
            "/v1/promo-codes",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "code": code,
                "planId": plan_id,
                "active": active,
            },
        )
        answer: PromoCodePage = self._send(request)
        return answer

    def create_promo_code(
        self,
        *,
        code: str,
        discount_type: DiscountType,
        discount_value: int,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]
        | None
        | Unset = UNSET,
        plan_id: str | None | Unset = UNSET,
        duration: Duration | Unset = UNSET,
        duration_cycles: int | None | Unset = UNSET,
        max_redemptions: int | None | Unset = UNSET,
        expires_at: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PromoCodeOut:
        """Make a promo code for one plan or for all."""
        request = wire.request(
            "POST",
            "/v1/promo-codes",
            body={
                "code": code,
                "discountType": discount_type,
                "discountValue": discount_value,
                "currency": currency,
                "planId": plan_id,
                "duration": duration,
                "durationCycles": duration_cycles,
                "maxRedemptions": max_redemptions,
                "expiresAt": expires_at,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: PromoCodeOut = self._send(request)
        return answer

    def read_promo_code(
        self,
        id: str,
    ) -> PromoCodeOut:
        """One promo code, and how often it was redeemed."""
        request = wire.request(
            "GET",
            f"/v1/promo-codes/{wire.segment(id)}",
        )
        answer: PromoCodeOut = self._send(request)
        return answer

    def update_promo_code(
        self,
        id: str,
        *,
        active: bool | Unset = UNSET,
        max_redemptions: int | None | Unset = UNSET,
        expires_at: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PromoCodeOut:
        """Close a promo code or change its limits; who has it keeps it."""
        request = wire.request(
            "PATCH",
            f"/v1/promo-codes/{wire.segment(id)}",
            body={
                "active": active,
                "maxRedemptions": max_redemptions,
                "expiresAt": expires_at,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: PromoCodeOut = self._send(request)
        return answer

    def list_payment_links(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        plan_id: str | Unset = UNSET,
        active: bool | Unset = UNSET,
    ) -> PaymentLinkPage:
        """Payment links, newest first."""
        request = wire.request(
            "GET",
            "/v1/payment-links",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "planId": plan_id,
                "active": active,
            },
        )
        answer: PaymentLinkPage = self._send(request)
        return answer

    def create_payment_link(
        self,
        *,
        plan_id: str,
        slug: str,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PaymentLinkOut:
        """Give a plan a public address of your choice."""
        request = wire.request(
            "POST",
            "/v1/payment-links",
            body={"planId": plan_id, "slug": slug, "metadata": metadata},
            idempotency_key=idempotency_key,
        )
        answer: PaymentLinkOut = self._send(request)
        return answer

    def read_payment_link(
        self,
        id: str,
    ) -> PaymentLinkOut:
        """One payment link."""
        request = wire.request(
            "GET",
            f"/v1/payment-links/{wire.segment(id)}",
        )
        answer: PaymentLinkOut = self._send(request)
        return answer

    def update_payment_link(
        self,
        id: str,
        *,
        active: bool | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PaymentLinkOut:
        """Open or close a payment link; its address stays."""
        request = wire.request(
            "PATCH",
            f"/v1/payment-links/{wire.segment(id)}",
            body={"active": active, "metadata": metadata},
            idempotency_key=idempotency_key,
        )
        answer: PaymentLinkOut = self._send(request)
        return answer

    def list_customers(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        email: str | Unset = UNSET,
        phone: str | Unset = UNSET,
        merchant_ref: str | Unset = UNSET,
        blacklisted: bool | Unset = UNSET,
    ) -> CustomerPage:
        """Customers, newest first."""
        request = wire.request(
            "GET",
            "/v1/customers",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "email": email,
                "phone": phone,
                "merchantRef": merchant_ref,
                "blacklisted": blacklisted,
            },
        )
        answer: CustomerPage = self._send(request)
        return answer

    def create_customer(
        self,
        *,
        email: str | None | Unset = UNSET,
        phone: str | None | Unset = UNSET,
        name: str | None | Unset = UNSET,
        merchant_ref: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> CustomerOut:
        """Make a customer."""
        request = wire.request(
            "POST",
            "/v1/customers",
            body={
                "email": email,
                "phone": phone,
                "name": name,
                "merchantRef": merchant_ref,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: CustomerOut = self._send(request)
        return answer

    def read_customer(
        self,
        id: str,
    ) -> CustomerOut:
        """One customer."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}",
        )
        answer: CustomerOut = self._send(request)
        return answer

    def update_customer(
        self,
        id: str,
        *,
        email: str | None | Unset = UNSET,
        phone: str | None | Unset = UNSET,
        name: str | None | Unset = UNSET,
        merchant_ref: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> CustomerOut:
        """Change a customer."""
        request = wire.request(
            "PATCH",
            f"/v1/customers/{wire.segment(id)}",
            body={
                "email": email,
                "phone": phone,
                "name": name,
                "merchantRef": merchant_ref,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: CustomerOut = self._send(request)
        return answer

    def read_customer_by_ref(
        self,
        merchant_ref: str,
    ) -> CustomerOut:
        """One customer by your own id."""
        request = wire.request(
            "GET",
            f"/v1/customers/ref/{wire.segment(merchant_ref)}",
        )
        answer: CustomerOut = self._send(request)
        return answer

    def blacklist_customer(
        self,
        id: str,
        *,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> CustomerOut:
        """Let a customer start nothing new."""
        request = wire.request(
            "POST",
            f"/v1/customers/{wire.segment(id)}/blacklist",
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: CustomerOut = self._send(request)
        return answer

    def unblacklist_customer(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> CustomerOut:
        """Let a customer start something new again."""
        request = wire.request(
            "POST",
            f"/v1/customers/{wire.segment(id)}/unblacklist",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: CustomerOut = self._send(request)
        return answer

    def list_transactions(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["pending", "unknown", "succeeded", "failed"] | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
        invoice_id: str | Unset = UNSET,
        customer_id: str | Unset = UNSET,
    ) -> TransactionPage:
        """Charge attempts, newest first."""
        request = wire.request(
            "GET",
            "/v1/transactions",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "subscriptionId": subscription_id,
                "invoiceId": invoice_id,
                "customerId": customer_id,
            },
        )
        answer: TransactionPage = self._send(request)
        return answer

    def read_transaction(
        self,
        id: str,
    ) -> TransactionOut:
        """One charge attempt."""
        request = wire.request(
            "GET",
            f"/v1/transactions/{wire.segment(id)}",
        )
        answer: TransactionOut = self._send(request)
        return answer

    def list_customer_transactions(
        self,
        id: str,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["pending", "unknown", "succeeded", "failed"] | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
        invoice_id: str | Unset = UNSET,
    ) -> TransactionPage:
        """Charge attempts on one customer, newest first."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/transactions",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "subscriptionId": subscription_id,
                "invoiceId": invoice_id,
            },
        )
        answer: TransactionPage = self._send(request)
        return answer

    def list_payment_methods(
        self,
        id: str,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
    ) -> PaymentMethodPage:
        """Saved payment methods of one customer, newest first."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/payment-methods",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
            },
        )
        answer: PaymentMethodPage = self._send(request)
        return answer

    def list_payment_requests(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["open", "paid", "expired", "void"] | Unset = UNSET,
        invoice_id: str | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
        customer_id: str | Unset = UNSET,
    ) -> PaymentRequestPage:
        """What customers were asked to pay by themselves, newest first."""
        request = wire.request(
            "GET",
            "/v1/payment-requests",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "invoiceId": invoice_id,
                "subscriptionId": subscription_id,
                "customerId": customer_id,
            },
        )
        answer: PaymentRequestPage = self._send(request)
        return answer

    def read_payment_request(
        self,
        id: str,
    ) -> PaymentRequestOut:
        """One payment request, with what its customer was told."""
        request = wire.request(
            "GET",
            f"/v1/payment-requests/{wire.segment(id)}",
        )
        answer: PaymentRequestOut = self._send(request)
        return answer

    def read_virtual_account(
        self,
        id: str,
    ) -> VirtualAccountOut:
        """The account number of one customer's own; not found until it is opened."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/virtual-account",
        )
        answer: VirtualAccountOut = self._send(request)
        return answer

    def open_virtual_account(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> VirtualAccountOut:
        """Give a customer an account number of their own; asked again it answers the same one."""
        request = wire.request(
            "POST",
            f"/v1/customers/{wire.segment(id)}/virtual-account",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: VirtualAccountOut = self._send(request)
        return answer

    def list_suspense(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["open", "resolved"] | Unset = UNSET,
        reason: Literal["short", "not_owed", "unmatched", "wrong_currency"] | Unset = UNSET,
    ) -> SuspenseItemPage:
        """Money that came in and fits nothing yet, or did not at first; newest first."""
        request = wire.request(
            "GET",
            "/v1/suspense",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "reason": reason,
            },
        )
        answer: SuspenseItemPage = self._send(request)
        return answer

    def list_mandates(
        self,
        id: str,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
    ) -> MandatePage:
        """Direct debit mandates of one customer, newest first."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/mandates",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
            },
        )
        answer: MandatePage = self._send(request)
        return answer

    def create_mandate(
        self,
        id: str,
        *,
        payment_method_id: str,
        idempotency_key: str | None = None,
    ) -> MandateOut:
        """Set a direct debit mandate up at the gateway, once for each payment method."""
        request = wire.request(
            "POST",
            f"/v1/customers/{wire.segment(id)}/mandates",
            body={"paymentMethodId": payment_method_id},
            idempotency_key=idempotency_key,
        )
        answer: MandateOut = self._send(request)
        return answer

    def revoke_mandate(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> MandateOut:
        """End a mandate for good: nothing is debited any more. One that is revoked stays as it is."""
        request = wire.request(
            "POST",
            f"/v1/mandates/{wire.segment(id)}/revoke",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: MandateOut = self._send(request)
        return answer

    def pay_test_request(
        self,
        id: str,
        *,
        amount: int | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PaymentRequestOut:
        """Pay a payment request as its customer would: whole or a part of it, or more, and also when it is too late."""
        request = wire.request(
            "POST",
            f"/v1/test/payment-requests/{wire.segment(id)}/pay",
            body={"amount": amount, "currency": currency},
            idempotency_key=idempotency_key,
        )
        answer: PaymentRequestOut = self._send(request)
        return answer

    def pay_test_account(
        self,
        id: str,
        *,
        amount: int,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> VirtualAccountOut:
        """Pay to a customer's virtual account, whether or not anything was asked for."""
        request = wire.request(
            "POST",
            f"/v1/test/virtual-accounts/{wire.segment(id)}/pay",
            body={"amount": amount, "currency": currency},
            idempotency_key=idempotency_key,
        )
        answer: VirtualAccountOut = self._send(request)
        return answer

    def list_gateway_charges(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        reference: str | Unset = UNSET,
    ) -> GatewayChargePage:
        """Charges in the simulated gateway's own books, newest first."""
        request = wire.request(
            "GET",
            "/v1/test/gateway/charges",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "reference": reference,
            },
        )
        answer: GatewayChargePage = self._send(request)
        return answer

    def list_invoices(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["draft", "open", "paid", "uncollectible", "void"] | Unset = UNSET,
        customer_id: str | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
    ) -> InvoicePage:
        """Invoices, newest first."""
        request = wire.request(
            "GET",
            "/v1/invoices",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "customerId": customer_id,
                "subscriptionId": subscription_id,
            },
        )
        answer: InvoicePage = self._send(request)
        return answer

    def list_recovery_cases(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        state: Literal[
            "scheduled", "in_flight", "awaiting_customer", "recovered", "exhausted", "canceled"
        ]
        | Unset = UNSET,
        customer_id: str | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
    ) -> RecoveryCasePage:
        """Recovery cases of every state, newest first, each with its next action, when, and why."""
        request = wire.request(
            "GET",
            "/v1/recovery",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "state": state,
                "customerId": customer_id,
                "subscriptionId": subscription_id,
            },
        )
        answer: RecoveryCasePage = self._send(request)
        return answer

    def read_recovery_case(
        self,
        id: str,
    ) -> RecoveryCaseDetail:
        """One case with every decision made in it and what was known then."""
        request = wire.request(
            "GET",
            f"/v1/recovery/{wire.segment(id)}",
        )
        answer: RecoveryCaseDetail = self._send(request)
        return answer

    def read_recovery_settings(
        self,
    ) -> RecoverySettingsOut:
        """The recovery settings in force, with their version."""
        request = wire.request(
            "GET",
            "/v1/settings/recovery",
        )
        answer: RecoverySettingsOut = self._send(request)
        return answer

    def update_recovery_settings(
        self,
        *,
        auto_recovery: bool | Unset = UNSET,
        renewal_reminders: bool | Unset = UNSET,
        renewal_reminder_days: int | Unset = UNSET,
        abandoned_cart: bool | Unset = UNSET,
        dunning_enabled: bool | Unset = UNSET,
        dunning_escalation_days: int | None | Unset = UNSET,
        dunning_escalation: Escalation | Unset = UNSET,
        payday_aware: bool | Unset = UNSET,
        payday_anchor_day: int | Unset = UNSET,
        retry_offsets_hours: list[int] | Unset = UNSET,
        max_attempts: int | Unset = UNSET,
        rails: list[Literal["card", "ussd", "transfer", "virtual_account", "direct_debit"]]
        | Unset = UNSET,
        learn_payday: bool | Unset = UNSET,
        quiet_first: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RecoverySettingsOut:
        """Change some of the settings, as a new version; cases that are open keep theirs."""
        request = wire.request(
            "PATCH",
            "/v1/settings/recovery",
            body={
                "autoRecovery": auto_recovery,
                "renewalReminders": renewal_reminders,
                "renewalReminderDays": renewal_reminder_days,
                "abandonedCart": abandoned_cart,
                "dunningEnabled": dunning_enabled,
                "dunningEscalationDays": dunning_escalation_days,
                "dunningEscalation": dunning_escalation,
                "paydayAware": payday_aware,
                "paydayAnchorDay": payday_anchor_day,
                "retryOffsetsHours": retry_offsets_hours,
                "maxAttempts": max_attempts,
                "rails": rails,
                "learnPayday": learn_payday,
                "quietFirst": quiet_first,
            },
            idempotency_key=idempotency_key,
        )
        answer: RecoverySettingsOut = self._send(request)
        return answer

    def read_invoice(
        self,
        id: str,
    ) -> InvoiceDetail:
        """One invoice with every attempt to charge it and every decision of its recovery."""
        request = wire.request(
            "GET",
            f"/v1/invoices/{wire.segment(id)}",
        )
        answer: InvoiceDetail = self._send(request)
        return answer

    def list_subscriptions(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal[
            "incomplete",
            "incomplete_expired",
            "trialing",
            "active",
            "past_due",
            "paused",
            "unpaid",
            "canceled",
            "expired",
        ]
        | Unset = UNSET,
        plan_id: str | Unset = UNSET,
        customer_id: str | Unset = UNSET,
    ) -> SubscriptionPage:
        """Subscriptions, newest first."""
        request = wire.request(
            "GET",
            "/v1/subscriptions",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "planId": plan_id,
                "customerId": customer_id,
            },
        )
        answer: SubscriptionPage = self._send(request)
        return answer

    def create_subscription(
        self,
        *,
        customer_id: str,
        plan_id: str,
        payment_method_id: str | None | Unset = UNSET,
        promo_code: str | None | Unset = UNSET,
        trial_days: int | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """Start a subscription; without a trial its first period is charged at once."""
        request = wire.request(
            "POST",
            "/v1/subscriptions",
            body={
                "customerId": customer_id,
                "planId": plan_id,
                "paymentMethodId": payment_method_id,
                "promoCode": promo_code,
                "trialDays": trial_days,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = self._send(request)
        return answer

    def read_subscription(
        self,
        id: str,
    ) -> SubscriptionOut:
        """One subscription."""
        request = wire.request(
            "GET",
            f"/v1/subscriptions/{wire.segment(id)}",
        )
        answer: SubscriptionOut = self._send(request)
        return answer

    def update_subscription(
        self,
        id: str,
        *,
        payment_method_id: str | None | Unset = UNSET,
        metadata: dict[str, str] | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """Change the payment method or the metadata; a new method is charged at once if money is owed."""
        request = wire.request(
            "PATCH",
            f"/v1/subscriptions/{wire.segment(id)}",
            body={"paymentMethodId": payment_method_id, "metadata": metadata},
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = self._send(request)
        return answer

    def list_customer_subscriptions(
        self,
        id: str,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal[
            "incomplete",
            "incomplete_expired",
            "trialing",
            "active",
            "past_due",
            "paused",
            "unpaid",
            "canceled",
            "expired",
        ]
        | Unset = UNSET,
        plan_id: str | Unset = UNSET,
    ) -> SubscriptionPage:
        """Subscriptions of one customer, newest first."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/subscriptions",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "planId": plan_id,
            },
        )
        answer: SubscriptionPage = self._send(request)
        return answer

    def cancel_subscription(
        self,
        id: str,
        *,
        at_period_end: bool | Unset = UNSET,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """End a subscription now or at the end of its period."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/cancel",
            body={"atPeriodEnd": at_period_end, "reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = self._send(request)
        return answer

    def pause_subscription(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """Stop renewing until it is resumed."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/pause",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = self._send(request)
        return answer

    def resume_subscription(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """Go on with a paused subscription; if its period is over, a new one is charged at once."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/resume",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = self._send(request)
        return answer

    def preview_plan_change(
        self,
        id: str,
        *,
        plan_id: str,
        when: When | Unset = UNSET,
        billing: Billing | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PlanChangeOut:
        """What a change of plan would do and cost at this moment; nothing is changed."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/change-plan/preview",
            body={"planId": plan_id, "when": when, "billing": billing},
            idempotency_key=idempotency_key,
        )
        answer: PlanChangeOut = self._send(request)
        return answer

    def change_plan_of_subscription(
        self,
        id: str,
        *,
        plan_id: str,
        when: When | Unset = UNSET,
        billing: Billing | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PlanChangeOut:
        """Put an active or trialing subscription on another plan, now or at the end of its period."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/change-plan",
            body={"planId": plan_id, "when": when, "billing": billing},
            idempotency_key=idempotency_key,
        )
        answer: PlanChangeOut = self._send(request)
        return answer

    def void_invoice(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> InvoiceOut:
        """Say that an open or uncollectible invoice is not owed any more."""
        request = wire.request(
            "POST",
            f"/v1/invoices/{wire.segment(id)}/void",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: InvoiceOut = self._send(request)
        return answer

    def pay_invoice(
        self,
        id: str,
        *,
        payment_method_id: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> InvoiceOut:
        """Charge an open or uncollectible invoice now."""
        request = wire.request(
            "POST",
            f"/v1/invoices/{wire.segment(id)}/pay",
            body={"paymentMethodId": payment_method_id},
            idempotency_key=idempotency_key,
        )
        answer: InvoiceOut = self._send(request)
        return answer

    def refund_invoice(
        self,
        id: str,
        *,
        amount: int | Unset = UNSET,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RefundOut:
        """Give back what was captured for an invoice, or a part of it; the subscription goes on as it is."""
        request = wire.request(
            "POST",
            f"/v1/invoices/{wire.segment(id)}/refund",
            body={"amount": amount, "reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: RefundOut = self._send(request)
        return answer

    def retry_recovery_case(
        self,
        id: str,
        *,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RecoveryCaseDetail:
        """Charge now instead of later; it counts as one of the tries."""
        request = wire.request(
            "POST",
            f"/v1/recovery/{wire.segment(id)}/retry",
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: RecoveryCaseDetail = self._send(request)
        return answer

    def skip_recovery_attempt(
        self,
        id: str,
        *,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RecoveryCaseDetail:
        """Call the planned try off and go on to the next decision; it counts as one of the tries."""
        request = wire.request(
            "POST",
            f"/v1/recovery/{wire.segment(id)}/skip",
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: RecoveryCaseDetail = self._send(request)
        return answer

    def cancel_recovery_case(
        self,
        id: str,
        *,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RecoveryCaseDetail:
        """Give up: the invoice is uncollectible, the subscription unpaid or canceled, as its settings say."""
        request = wire.request(
            "POST",
            f"/v1/recovery/{wire.segment(id)}/cancel",
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: RecoveryCaseDetail = self._send(request)
        return answer

    def resolve_suspense_item(
        self,
        id: str,
        *,
        action: SuspenseAction,
        invoice_id: str | None | Unset = UNSET,
        subscription_id: str | None | Unset = UNSET,
        note: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SuspenseItemOut:
        """Decide where it goes: `apply` it to an open invoice, give it as `credit` of a subscription, or note that it"""
        request = wire.request(
            "POST",
            f"/v1/suspense/{wire.segment(id)}/resolve",
            body={
                "action": action,
                "invoiceId": invoice_id,
                "subscriptionId": subscription_id,
                "note": note,
            },
            idempotency_key=idempotency_key,
        )
        answer: SuspenseItemOut = self._send(request)
        return answer

    def create_checkout_session(
        self,
        *,
        plan_id: str | None | Unset = UNSET,
        amount: int | None | Unset = UNSET,
        payment_link_id: str | None | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
        customer_email: str | None | Unset = UNSET,
        customer_phone: str | None | Unset = UNSET,
        customer_id: str | None | Unset = UNSET,
        success_url: str | None | Unset = UNSET,
        cancel_url: str | None | Unset = UNSET,
        promo_code: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> CheckoutSessionOut:
        """Ask a customer to pay for a plan, or once; a publishable key may ask for a plan or a link."""
        request = wire.request(
            "POST",
            "/v1/checkout/sessions",
            body={
                "planId": plan_id,
                "amount": amount,
                "paymentLinkId": payment_link_id,
                "currency": currency,
                "customerEmail": customer_email,
                "customerPhone": customer_phone,
                "customerId": customer_id,
                "successUrl": success_url,
                "cancelUrl": cancel_url,
                "promoCode": promo_code,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: CheckoutSessionOut = self._send(request)
        return answer

    def read_checkout_session(
        self,
        id: str,
    ) -> CheckoutSessionOut:
        """One checkout session, without its token."""
        request = wire.request(
            "GET",
            f"/v1/checkout/sessions/{wire.segment(id)}",
        )
        answer: CheckoutSessionOut = self._send(request)
        return answer

    def read_overview(
        self,
        *,
        from_: Any | Unset = UNSET,
        to: Any | Unset = UNSET,
    ) -> OverviewOut:
        """Monthly recurring revenue and its movements, churn, money at risk and recovered, by currency."""
        request = wire.request(
            "GET",
            "/v1/analytics/overview",
            query={"from": from_, "to": to},
        )
        answer: OverviewOut = self._send(request)
        return answer

    def read_failures(
        self,
        *,
        from_: Any | Unset = UNSET,
        to: Any | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
    ) -> FailuresOut:
        """The failed renewals billed in a period: what became of the money, and why they failed."""
        request = wire.request(
            "GET",
            "/v1/analytics/failures",
            query={"from": from_, "to": to, "currency": currency},
        )
        answer: FailuresOut = self._send(request)
        return answer

    def read_ledger(
        self,
        *,
        from_: Any | Unset = UNSET,
        to: Any | Unset = UNSET,
    ) -> LedgerOut:
        """The recovery ledger of a period: opening and entered, less recovered, lost and cancelled, is closing."""
        request = wire.request(
            "GET",
            "/v1/analytics/ledger",
            query={"from": from_, "to": to},
        )
        answer: LedgerOut = self._send(request)
        return answer

    def read_recovery(
        self,
        *,
        from_: Any | Unset = UNSET,
        to: Any | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
    ) -> RecoveryOut:
        """How much of what failed in a period came back, how soon, why it had failed, and which tries brought it."""
        request = wire.request(
            "GET",
            "/v1/analytics/recovery",
            query={"from": from_, "to": to, "currency": currency},
        )
        answer: RecoveryOut = self._send(request)
        return answer

    def read_accounts(
        self,
    ) -> AccountsOut:
        """The merchant's accounts now: what came in, what is owed to it, and what is the customers' or nobody's yet."""
        request = wire.request(
            "GET",
            "/v1/analytics/accounts",
        )
        answer: AccountsOut = self._send(request)
        return answer

    def backtest_recovery(
        self,
        *,
        a: Any,
        b: Any,
        from_: Any | None | Unset = UNSET,
        to: Any | None | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]
        | None
        | Unset = UNSET,
        seed: int | Unset = UNSET,
        population: BacktestPopulation | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> BacktestOut:
        """What two recovery strategies would have made of your failed renewals, or make of made customers."""
        request = wire.request(
            "POST",
            "/v1/recovery/backtest",
            body={
                "a": a,
                "b": b,
                "from": from_,
                "to": to,
                "currency": currency,
                "seed": seed,
                "population": population,
            },
            idempotency_key=idempotency_key,
        )
        answer: BacktestOut = self._send(request)
        return answer

    def read_event(
        self,
        id: str,
    ) -> EventDetailOut:
        """One event, and how far it has come to each endpoint."""
        request = wire.request(
            "GET",
            f"/v1/events/{wire.segment(id)}",
        )
        answer: EventDetailOut = self._send(request)
        return answer

    def read_test_clock(
        self,
    ) -> TestClockOut:
        """The time of your test data."""
        request = wire.request(
            "GET",
            "/v1/test-clock",
        )
        answer: TestClockOut = self._send(request)
        return answer

    def advance_test_clock(
        self,
        *,
        to: str | None | Unset = UNSET,
        by: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> AdvanceOut:
        """Move the clock forward and do all that falls due on the way, in order, at its time."""
        request = wire.request(
            "POST",
            "/v1/test-clock/advance",
            body={"to": to, "by": by},
            idempotency_key=idempotency_key,
        )
        answer: AdvanceOut = self._send(request)
        return answer

    def reset_test_clock(
        self,
        *,
        idempotency_key: str | None = None,
    ) -> TestClockOut:
        """Erase your test objects (not keys and endpoints) and return to real time."""
        request = wire.request(
            "POST",
            "/v1/test-clock/reset",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: TestClockOut = self._send(request)
        return answer


class AsyncOperations:
    """Every operation, for asyncio."""

    async def _send(self, request: Request) -> Any:
        raise NotImplementedError

    async def list_events(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        type: Literal[
            "subscription_created",
            "subscription_activated",
            "subscription_updated",
            "subscription_plan_changed",
            "subscription_paused",
            "subscription_resumed",
            "subscription_past_due",
            "subscription_recovered",
            "subscription_unpaid",
            "subscription_expired",
            "subscription_cancelled",
            "subscription_payment_success",
            "subscription_payment_failed",
            "subscription_payment_recovered",
            "subscription_payment_refunded",
            "subscription_payment_action_required",
            "invoice_created",
        ]
        | Unset = UNSET,
    ) -> EventPage:
        """Events, newest first."""
        request = wire.request(
            "GET",
            "/v1/events",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "type": type,
            },
        )
        answer: EventPage = await self._send(request)
        return answer

    async def list_plans(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        active: bool | Unset = UNSET,
    ) -> PlanPage:
        """Plans, newest first."""
        request = wire.request(
            "GET",
            "/v1/plans",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "active": active,
            },
        )
        answer: PlanPage = await self._send(request)
        return answer

    async def create_plan(
        self,
        *,
        name: str,
        amount: int,
        interval: Interval,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
        interval_count: int | Unset = UNSET,
        trial_days: int | Unset = UNSET,
        max_cycles: int | None | Unset = UNSET,
        allow_multiple: bool | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PlanOut:
        """Make a plan."""
        request = wire.request(
            "POST",
            "/v1/plans",
            body={
                "name": name,
                "amount": amount,
                "interval": interval,
                "currency": currency,
                "intervalCount": interval_count,
                "trialDays": trial_days,
                "maxCycles": max_cycles,
                "allowMultiple": allow_multiple,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: PlanOut = await self._send(request)
        return answer

    async def read_plan(
        self,
        id: str,
    ) -> PlanOut:
        """One plan."""
        request = wire.request(
            "GET",
            f"/v1/plans/{wire.segment(id)}",
        )
        answer: PlanOut = await self._send(request)
        return answer

    async def update_plan(
        self,
        id: str,
        *,
        name: str | Unset = UNSET,
        amount: int | Unset = UNSET,
        trial_days: int | Unset = UNSET,
        max_cycles: int | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PlanOut:
        """Change a plan; issued invoices keep their amount."""
        request = wire.request(
            "PATCH",
            f"/v1/plans/{wire.segment(id)}",
            body={
                "name": name,
                "amount": amount,
                "trialDays": trial_days,
                "maxCycles": max_cycles,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: PlanOut = await self._send(request)
        return answer

    async def archive_plan(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> PlanOut:
        """Archive a plan: nobody can start on it, those who have it keep it."""
        request = wire.request(
            "DELETE",
            f"/v1/plans/{wire.segment(id)}",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: PlanOut = await self._send(request)
        return answer

    async def list_promo_codes(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        code: str | Unset = UNSET,
        plan_id: str | Unset = UNSET,
        active: bool | Unset = UNSET,
    ) -> PromoCodePage:
        """Promo codes, newest first."""
        request = wire.request(
            "GET",
            "/v1/promo-codes",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "code": code,
                "planId": plan_id,
                "active": active,
            },
        )
        answer: PromoCodePage = await self._send(request)
        return answer

    async def create_promo_code(
        self,
        *,
        code: str,
        discount_type: DiscountType,
        discount_value: int,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]
        | None
        | Unset = UNSET,
        plan_id: str | None | Unset = UNSET,
        duration: Duration | Unset = UNSET,
        duration_cycles: int | None | Unset = UNSET,
        max_redemptions: int | None | Unset = UNSET,
        expires_at: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PromoCodeOut:
        """Make a promo code for one plan or for all."""
        request = wire.request(
            "POST",
            "/v1/promo-codes",
            body={
                "code": code,
                "discountType": discount_type,
                "discountValue": discount_value,
                "currency": currency,
                "planId": plan_id,
                "duration": duration,
                "durationCycles": duration_cycles,
                "maxRedemptions": max_redemptions,
                "expiresAt": expires_at,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: PromoCodeOut = await self._send(request)
        return answer

    async def read_promo_code(
        self,
        id: str,
    ) -> PromoCodeOut:
        """One promo code, and how often it was redeemed."""
        request = wire.request(
            "GET",
            f"/v1/promo-codes/{wire.segment(id)}",
        )
        answer: PromoCodeOut = await self._send(request)
        return answer

    async def update_promo_code(
        self,
        id: str,
        *,
        active: bool | Unset = UNSET,
        max_redemptions: int | None | Unset = UNSET,
        expires_at: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PromoCodeOut:
        """Close a promo code or change its limits; who has it keeps it."""
        request = wire.request(
            "PATCH",
            f"/v1/promo-codes/{wire.segment(id)}",
            body={
                "active": active,
                "maxRedemptions": max_redemptions,
                "expiresAt": expires_at,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: PromoCodeOut = await self._send(request)
        return answer

    async def list_payment_links(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        plan_id: str | Unset = UNSET,
        active: bool | Unset = UNSET,
    ) -> PaymentLinkPage:
        """Payment links, newest first."""
        request = wire.request(
            "GET",
            "/v1/payment-links",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "planId": plan_id,
                "active": active,
            },
        )
        answer: PaymentLinkPage = await self._send(request)
        return answer

    async def create_payment_link(
        self,
        *,
        plan_id: str,
        slug: str,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PaymentLinkOut:
        """Give a plan a public address of your choice."""
        request = wire.request(
            "POST",
            "/v1/payment-links",
            body={"planId": plan_id, "slug": slug, "metadata": metadata},
            idempotency_key=idempotency_key,
        )
        answer: PaymentLinkOut = await self._send(request)
        return answer

    async def read_payment_link(
        self,
        id: str,
    ) -> PaymentLinkOut:
        """One payment link."""
        request = wire.request(
            "GET",
            f"/v1/payment-links/{wire.segment(id)}",
        )
        answer: PaymentLinkOut = await self._send(request)
        return answer

    async def update_payment_link(
        self,
        id: str,
        *,
        active: bool | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PaymentLinkOut:
        """Open or close a payment link; its address stays."""
        request = wire.request(
            "PATCH",
            f"/v1/payment-links/{wire.segment(id)}",
            body={"active": active, "metadata": metadata},
            idempotency_key=idempotency_key,
        )
        answer: PaymentLinkOut = await self._send(request)
        return answer

    async def list_customers(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        email: str | Unset = UNSET,
        phone: str | Unset = UNSET,
        merchant_ref: str | Unset = UNSET,
        blacklisted: bool | Unset = UNSET,
    ) -> CustomerPage:
        """Customers, newest first."""
        request = wire.request(
            "GET",
            "/v1/customers",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "email": email,
                "phone": phone,
                "merchantRef": merchant_ref,
                "blacklisted": blacklisted,
            },
        )
        answer: CustomerPage = await self._send(request)
        return answer

    async def create_customer(
        self,
        *,
        email: str | None | Unset = UNSET,
        phone: str | None | Unset = UNSET,
        name: str | None | Unset = UNSET,
        merchant_ref: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> CustomerOut:
        """Make a customer."""
        request = wire.request(
            "POST",
            "/v1/customers",
            body={
                "email": email,
                "phone": phone,
                "name": name,
                "merchantRef": merchant_ref,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: CustomerOut = await self._send(request)
        return answer

    async def read_customer(
        self,
        id: str,
    ) -> CustomerOut:
        """One customer."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}",
        )
        answer: CustomerOut = await self._send(request)
        return answer

    async def update_customer(
        self,
        id: str,
        *,
        email: str | None | Unset = UNSET,
        phone: str | None | Unset = UNSET,
        name: str | None | Unset = UNSET,
        merchant_ref: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> CustomerOut:
        """Change a customer."""
        request = wire.request(
            "PATCH",
            f"/v1/customers/{wire.segment(id)}",
            body={
                "email": email,
                "phone": phone,
                "name": name,
                "merchantRef": merchant_ref,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: CustomerOut = await self._send(request)
        return answer

    async def read_customer_by_ref(
        self,
        merchant_ref: str,
    ) -> CustomerOut:
        """One customer by your own id."""
        request = wire.request(
            "GET",
            f"/v1/customers/ref/{wire.segment(merchant_ref)}",
        )
        answer: CustomerOut = await self._send(request)
        return answer

    async def blacklist_customer(
        self,
        id: str,
        *,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> CustomerOut:
        """Let a customer start nothing new."""
        request = wire.request(
            "POST",
            f"/v1/customers/{wire.segment(id)}/blacklist",
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: CustomerOut = await self._send(request)
        return answer

    async def unblacklist_customer(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> CustomerOut:
        """Let a customer start something new again."""
        request = wire.request(
            "POST",
            f"/v1/customers/{wire.segment(id)}/unblacklist",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: CustomerOut = await self._send(request)
        return answer

    async def list_transactions(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["pending", "unknown", "succeeded", "failed"] | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
        invoice_id: str | Unset = UNSET,
        customer_id: str | Unset = UNSET,
    ) -> TransactionPage:
        """Charge attempts, newest first."""
        request = wire.request(
            "GET",
            "/v1/transactions",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "subscriptionId": subscription_id,
                "invoiceId": invoice_id,
                "customerId": customer_id,
            },
        )
        answer: TransactionPage = await self._send(request)
        return answer

    async def read_transaction(
        self,
        id: str,
    ) -> TransactionOut:
        """One charge attempt."""
        request = wire.request(
            "GET",
            f"/v1/transactions/{wire.segment(id)}",
        )
        answer: TransactionOut = await self._send(request)
        return answer

    async def list_customer_transactions(
        self,
        id: str,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["pending", "unknown", "succeeded", "failed"] | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
        invoice_id: str | Unset = UNSET,
    ) -> TransactionPage:
        """Charge attempts on one customer, newest first."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/transactions",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "subscriptionId": subscription_id,
                "invoiceId": invoice_id,
            },
        )
        answer: TransactionPage = await self._send(request)
        return answer

    async def list_payment_methods(
        self,
        id: str,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
    ) -> PaymentMethodPage:
        """Saved payment methods of one customer, newest first."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/payment-methods",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
            },
        )
        answer: PaymentMethodPage = await self._send(request)
        return answer

    async def list_payment_requests(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["open", "paid", "expired", "void"] | Unset = UNSET,
        invoice_id: str | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
        customer_id: str | Unset = UNSET,
    ) -> PaymentRequestPage:
        """What customers were asked to pay by themselves, newest first."""
        request = wire.request(
            "GET",
            "/v1/payment-requests",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "invoiceId": invoice_id,
                "subscriptionId": subscription_id,
                "customerId": customer_id,
            },
        )
        answer: PaymentRequestPage = await self._send(request)
        return answer

    async def read_payment_request(
        self,
        id: str,
    ) -> PaymentRequestOut:
        """One payment request, with what its customer was told."""
        request = wire.request(
            "GET",
            f"/v1/payment-requests/{wire.segment(id)}",
        )
        answer: PaymentRequestOut = await self._send(request)
        return answer

    async def read_virtual_account(
        self,
        id: str,
    ) -> VirtualAccountOut:
        """The account number of one customer's own; not found until it is opened."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/virtual-account",
        )
        answer: VirtualAccountOut = await self._send(request)
        return answer

    async def open_virtual_account(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> VirtualAccountOut:
        """Give a customer an account number of their own; asked again it answers the same one."""
        request = wire.request(
            "POST",
            f"/v1/customers/{wire.segment(id)}/virtual-account",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: VirtualAccountOut = await self._send(request)
        return answer

    async def list_suspense(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["open", "resolved"] | Unset = UNSET,
        reason: Literal["short", "not_owed", "unmatched", "wrong_currency"] | Unset = UNSET,
    ) -> SuspenseItemPage:
        """Money that came in and fits nothing yet, or did not at first; newest first."""
        request = wire.request(
            "GET",
            "/v1/suspense",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "reason": reason,
            },
        )
        answer: SuspenseItemPage = await self._send(request)
        return answer

    async def list_mandates(
        self,
        id: str,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
    ) -> MandatePage:
        """Direct debit mandates of one customer, newest first."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/mandates",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
            },
        )
        answer: MandatePage = await self._send(request)
        return answer

    async def create_mandate(
        self,
        id: str,
        *,
        payment_method_id: str,
        idempotency_key: str | None = None,
    ) -> MandateOut:
        """Set a direct debit mandate up at the gateway, once for each payment method."""
        request = wire.request(
            "POST",
            f"/v1/customers/{wire.segment(id)}/mandates",
            body={"paymentMethodId": payment_method_id},
            idempotency_key=idempotency_key,
        )
        answer: MandateOut = await self._send(request)
        return answer

    async def revoke_mandate(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> MandateOut:
        """End a mandate for good: nothing is debited any more. One that is revoked stays as it is."""
        request = wire.request(
            "POST",
            f"/v1/mandates/{wire.segment(id)}/revoke",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: MandateOut = await self._send(request)
        return answer

    async def pay_test_request(
        self,
        id: str,
        *,
        amount: int | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PaymentRequestOut:
        """Pay a payment request as its customer would: whole or a part of it, or more, and also when it is too late."""
        request = wire.request(
            "POST",
            f"/v1/test/payment-requests/{wire.segment(id)}/pay",
            body={"amount": amount, "currency": currency},
            idempotency_key=idempotency_key,
        )
        answer: PaymentRequestOut = await self._send(request)
        return answer

    async def pay_test_account(
        self,
        id: str,
        *,
        amount: int,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> VirtualAccountOut:
        """Pay to a customer's virtual account, whether or not anything was asked for."""
        request = wire.request(
            "POST",
            f"/v1/test/virtual-accounts/{wire.segment(id)}/pay",
            body={"amount": amount, "currency": currency},
            idempotency_key=idempotency_key,
        )
        answer: VirtualAccountOut = await self._send(request)
        return answer

    async def list_gateway_charges(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        reference: str | Unset = UNSET,
    ) -> GatewayChargePage:
        """Charges in the simulated gateway's own books, newest first."""
        request = wire.request(
            "GET",
            "/v1/test/gateway/charges",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "reference": reference,
            },
        )
        answer: GatewayChargePage = await self._send(request)
        return answer

    async def list_invoices(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal["draft", "open", "paid", "uncollectible", "void"] | Unset = UNSET,
        customer_id: str | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
    ) -> InvoicePage:
        """Invoices, newest first."""
        request = wire.request(
            "GET",
            "/v1/invoices",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "customerId": customer_id,
                "subscriptionId": subscription_id,
            },
        )
        answer: InvoicePage = await self._send(request)
        return answer

    async def list_recovery_cases(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        state: Literal[
            "scheduled", "in_flight", "awaiting_customer", "recovered", "exhausted", "canceled"
        ]
        | Unset = UNSET,
        customer_id: str | Unset = UNSET,
        subscription_id: str | Unset = UNSET,
    ) -> RecoveryCasePage:
        """Recovery cases of every state, newest first, each with its next action, when, and why."""
        request = wire.request(
            "GET",
            "/v1/recovery",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "state": state,
                "customerId": customer_id,
                "subscriptionId": subscription_id,
            },
        )
        answer: RecoveryCasePage = await self._send(request)
        return answer

    async def read_recovery_case(
        self,
        id: str,
    ) -> RecoveryCaseDetail:
        """One case with every decision made in it and what was known then."""
        request = wire.request(
            "GET",
            f"/v1/recovery/{wire.segment(id)}",
        )
        answer: RecoveryCaseDetail = await self._send(request)
        return answer

    async def read_recovery_settings(
        self,
    ) -> RecoverySettingsOut:
        """The recovery settings in force, with their version."""
        request = wire.request(
            "GET",
            "/v1/settings/recovery",
        )
        answer: RecoverySettingsOut = await self._send(request)
        return answer

    async def update_recovery_settings(
        self,
        *,
        auto_recovery: bool | Unset = UNSET,
        renewal_reminders: bool | Unset = UNSET,
        renewal_reminder_days: int | Unset = UNSET,
        abandoned_cart: bool | Unset = UNSET,
        dunning_enabled: bool | Unset = UNSET,
        dunning_escalation_days: int | None | Unset = UNSET,
        dunning_escalation: Escalation | Unset = UNSET,
        payday_aware: bool | Unset = UNSET,
        payday_anchor_day: int | Unset = UNSET,
        retry_offsets_hours: list[int] | Unset = UNSET,
        max_attempts: int | Unset = UNSET,
        rails: list[Literal["card", "ussd", "transfer", "virtual_account", "direct_debit"]]
        | Unset = UNSET,
        learn_payday: bool | Unset = UNSET,
        quiet_first: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RecoverySettingsOut:
        """Change some of the settings, as a new version; cases that are open keep theirs."""
        request = wire.request(
            "PATCH",
            "/v1/settings/recovery",
            body={
                "autoRecovery": auto_recovery,
                "renewalReminders": renewal_reminders,
                "renewalReminderDays": renewal_reminder_days,
                "abandonedCart": abandoned_cart,
                "dunningEnabled": dunning_enabled,
                "dunningEscalationDays": dunning_escalation_days,
                "dunningEscalation": dunning_escalation,
                "paydayAware": payday_aware,
                "paydayAnchorDay": payday_anchor_day,
                "retryOffsetsHours": retry_offsets_hours,
                "maxAttempts": max_attempts,
                "rails": rails,
                "learnPayday": learn_payday,
                "quietFirst": quiet_first,
            },
            idempotency_key=idempotency_key,
        )
        answer: RecoverySettingsOut = await self._send(request)
        return answer

    async def read_invoice(
        self,
        id: str,
    ) -> InvoiceDetail:
        """One invoice with every attempt to charge it and every decision of its recovery."""
        request = wire.request(
            "GET",
            f"/v1/invoices/{wire.segment(id)}",
        )
        answer: InvoiceDetail = await self._send(request)
        return answer

    async def list_subscriptions(
        self,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal[
            "incomplete",
            "incomplete_expired",
            "trialing",
            "active",
            "past_due",
            "paused",
            "unpaid",
            "canceled",
            "expired",
        ]
        | Unset = UNSET,
        plan_id: str | Unset = UNSET,
        customer_id: str | Unset = UNSET,
    ) -> SubscriptionPage:
        """Subscriptions, newest first."""
        request = wire.request(
            "GET",
            "/v1/subscriptions",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "planId": plan_id,
                "customerId": customer_id,
            },
        )
        answer: SubscriptionPage = await self._send(request)
        return answer

    async def create_subscription(
        self,
        *,
        customer_id: str,
        plan_id: str,
        payment_method_id: str | None | Unset = UNSET,
        promo_code: str | None | Unset = UNSET,
        trial_days: int | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """Start a subscription; without a trial its first period is charged at once."""
        request = wire.request(
            "POST",
            "/v1/subscriptions",
            body={
                "customerId": customer_id,
                "planId": plan_id,
                "paymentMethodId": payment_method_id,
                "promoCode": promo_code,
                "trialDays": trial_days,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = await self._send(request)
        return answer

    async def read_subscription(
        self,
        id: str,
    ) -> SubscriptionOut:
        """One subscription."""
        request = wire.request(
            "GET",
            f"/v1/subscriptions/{wire.segment(id)}",
        )
        answer: SubscriptionOut = await self._send(request)
        return answer

    async def update_subscription(
        self,
        id: str,
        *,
        payment_method_id: str | None | Unset = UNSET,
        metadata: dict[str, str] | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """Change the payment method or the metadata; a new method is charged at once if money is owed."""
        request = wire.request(
            "PATCH",
            f"/v1/subscriptions/{wire.segment(id)}",
            body={"paymentMethodId": payment_method_id, "metadata": metadata},
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = await self._send(request)
        return answer

    async def list_customer_subscriptions(
        self,
        id: str,
        *,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        created_from: str | Unset = UNSET,
        created_to: str | Unset = UNSET,
        status: Literal[
            "incomplete",
            "incomplete_expired",
            "trialing",
            "active",
            "past_due",
            "paused",
            "unpaid",
            "canceled",
            "expired",
        ]
        | Unset = UNSET,
        plan_id: str | Unset = UNSET,
    ) -> SubscriptionPage:
        """Subscriptions of one customer, newest first."""
        request = wire.request(
            "GET",
            f"/v1/customers/{wire.segment(id)}/subscriptions",
            query={
                "limit": limit,
                "cursor": cursor,
                "createdFrom": created_from,
                "createdTo": created_to,
                "status": status,
                "planId": plan_id,
            },
        )
        answer: SubscriptionPage = await self._send(request)
        return answer

    async def cancel_subscription(
        self,
        id: str,
        *,
        at_period_end: bool | Unset = UNSET,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """End a subscription now or at the end of its period."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/cancel",
            body={"atPeriodEnd": at_period_end, "reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = await self._send(request)
        return answer

    async def pause_subscription(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """Stop renewing until it is resumed."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/pause",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = await self._send(request)
        return answer

    async def resume_subscription(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> SubscriptionOut:
        """Go on with a paused subscription; if its period is over, a new one is charged at once."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/resume",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: SubscriptionOut = await self._send(request)
        return answer

    async def preview_plan_change(
        self,
        id: str,
        *,
        plan_id: str,
        when: When | Unset = UNSET,
        billing: Billing | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PlanChangeOut:
        """What a change of plan would do and cost at this moment; nothing is changed."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/change-plan/preview",
            body={"planId": plan_id, "when": when, "billing": billing},
            idempotency_key=idempotency_key,
        )
        answer: PlanChangeOut = await self._send(request)
        return answer

    async def change_plan_of_subscription(
        self,
        id: str,
        *,
        plan_id: str,
        when: When | Unset = UNSET,
        billing: Billing | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> PlanChangeOut:
        """Put an active or trialing subscription on another plan, now or at the end of its period."""
        request = wire.request(
            "POST",
            f"/v1/subscriptions/{wire.segment(id)}/change-plan",
            body={"planId": plan_id, "when": when, "billing": billing},
            idempotency_key=idempotency_key,
        )
        answer: PlanChangeOut = await self._send(request)
        return answer

    async def void_invoice(
        self,
        id: str,
        *,
        idempotency_key: str | None = None,
    ) -> InvoiceOut:
        """Say that an open or uncollectible invoice is not owed any more."""
        request = wire.request(
            "POST",
            f"/v1/invoices/{wire.segment(id)}/void",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: InvoiceOut = await self._send(request)
        return answer

    async def pay_invoice(
        self,
        id: str,
        *,
        payment_method_id: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> InvoiceOut:
        """Charge an open or uncollectible invoice now."""
        request = wire.request(
            "POST",
            f"/v1/invoices/{wire.segment(id)}/pay",
            body={"paymentMethodId": payment_method_id},
            idempotency_key=idempotency_key,
        )
        answer: InvoiceOut = await self._send(request)
        return answer

    async def refund_invoice(
        self,
        id: str,
        *,
        amount: int | Unset = UNSET,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RefundOut:
        """Give back what was captured for an invoice, or a part of it; the subscription goes on as it is."""
        request = wire.request(
            "POST",
            f"/v1/invoices/{wire.segment(id)}/refund",
            body={"amount": amount, "reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: RefundOut = await self._send(request)
        return answer

    async def retry_recovery_case(
        self,
        id: str,
        *,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RecoveryCaseDetail:
        """Charge now instead of later; it counts as one of the tries."""
        request = wire.request(
            "POST",
            f"/v1/recovery/{wire.segment(id)}/retry",
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: RecoveryCaseDetail = await self._send(request)
        return answer

    async def skip_recovery_attempt(
        self,
        id: str,
        *,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RecoveryCaseDetail:
        """Call the planned try off and go on to the next decision; it counts as one of the tries."""
        request = wire.request(
            "POST",
            f"/v1/recovery/{wire.segment(id)}/skip",
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: RecoveryCaseDetail = await self._send(request)
        return answer

    async def cancel_recovery_case(
        self,
        id: str,
        *,
        reason: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> RecoveryCaseDetail:
        """Give up: the invoice is uncollectible, the subscription unpaid or canceled, as its settings say."""
        request = wire.request(
            "POST",
            f"/v1/recovery/{wire.segment(id)}/cancel",
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        answer: RecoveryCaseDetail = await self._send(request)
        return answer

    async def resolve_suspense_item(
        self,
        id: str,
        *,
        action: SuspenseAction,
        invoice_id: str | None | Unset = UNSET,
        subscription_id: str | None | Unset = UNSET,
        note: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> SuspenseItemOut:
        """Decide where it goes: `apply` it to an open invoice, give it as `credit` of a subscription, or note that it"""
        request = wire.request(
            "POST",
            f"/v1/suspense/{wire.segment(id)}/resolve",
            body={
                "action": action,
                "invoiceId": invoice_id,
                "subscriptionId": subscription_id,
                "note": note,
            },
            idempotency_key=idempotency_key,
        )
        answer: SuspenseItemOut = await self._send(request)
        return answer

    async def create_checkout_session(
        self,
        *,
        plan_id: str | None | Unset = UNSET,
        amount: int | None | Unset = UNSET,
        payment_link_id: str | None | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
        customer_email: str | None | Unset = UNSET,
        customer_phone: str | None | Unset = UNSET,
        customer_id: str | None | Unset = UNSET,
        success_url: str | None | Unset = UNSET,
        cancel_url: str | None | Unset = UNSET,
        promo_code: str | None | Unset = UNSET,
        metadata: dict[str, str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> CheckoutSessionOut:
        """Ask a customer to pay for a plan, or once; a publishable key may ask for a plan or a link."""
        request = wire.request(
            "POST",
            "/v1/checkout/sessions",
            body={
                "planId": plan_id,
                "amount": amount,
                "paymentLinkId": payment_link_id,
                "currency": currency,
                "customerEmail": customer_email,
                "customerPhone": customer_phone,
                "customerId": customer_id,
                "successUrl": success_url,
                "cancelUrl": cancel_url,
                "promoCode": promo_code,
                "metadata": metadata,
            },
            idempotency_key=idempotency_key,
        )
        answer: CheckoutSessionOut = await self._send(request)
        return answer

    async def read_checkout_session(
        self,
        id: str,
    ) -> CheckoutSessionOut:
        """One checkout session, without its token."""
        request = wire.request(
            "GET",
            f"/v1/checkout/sessions/{wire.segment(id)}",
        )
        answer: CheckoutSessionOut = await self._send(request)
        return answer

    async def read_overview(
        self,
        *,
        from_: Any | Unset = UNSET,
        to: Any | Unset = UNSET,
    ) -> OverviewOut:
        """Monthly recurring revenue and its movements, churn, money at risk and recovered, by currency."""
        request = wire.request(
            "GET",
            "/v1/analytics/overview",
            query={"from": from_, "to": to},
        )
        answer: OverviewOut = await self._send(request)
        return answer

    async def read_failures(
        self,
        *,
        from_: Any | Unset = UNSET,
        to: Any | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
    ) -> FailuresOut:
        """The failed renewals billed in a period: what became of the money, and why they failed."""
        request = wire.request(
            "GET",
            "/v1/analytics/failures",
            query={"from": from_, "to": to, "currency": currency},
        )
        answer: FailuresOut = await self._send(request)
        return answer

    async def read_ledger(
        self,
        *,
        from_: Any | Unset = UNSET,
        to: Any | Unset = UNSET,
    ) -> LedgerOut:
        """The recovery ledger of a period: opening and entered, less recovered, lost and cancelled, is closing."""
        request = wire.request(
            "GET",
            "/v1/analytics/ledger",
            query={"from": from_, "to": to},
        )
        answer: LedgerOut = await self._send(request)
        return answer

    async def read_recovery(
        self,
        *,
        from_: Any | Unset = UNSET,
        to: Any | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | Unset = UNSET,
    ) -> RecoveryOut:
        """How much of what failed in a period came back, how soon, why it had failed, and which tries brought it."""
        request = wire.request(
            "GET",
            "/v1/analytics/recovery",
            query={"from": from_, "to": to, "currency": currency},
        )
        answer: RecoveryOut = await self._send(request)
        return answer

    async def read_accounts(
        self,
    ) -> AccountsOut:
        """The merchant's accounts now: what came in, what is owed to it, and what is the customers' or nobody's yet."""
        request = wire.request(
            "GET",
            "/v1/analytics/accounts",
        )
        answer: AccountsOut = await self._send(request)
        return answer

    async def backtest_recovery(
        self,
        *,
        a: Any,
        b: Any,
        from_: Any | None | Unset = UNSET,
        to: Any | None | Unset = UNSET,
        currency: Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]
        | None
        | Unset = UNSET,
        seed: int | Unset = UNSET,
        population: BacktestPopulation | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> BacktestOut:
        """What two recovery strategies would have made of your failed renewals, or make of made customers."""
        request = wire.request(
            "POST",
            "/v1/recovery/backtest",
            body={
                "a": a,
                "b": b,
                "from": from_,
                "to": to,
                "currency": currency,
                "seed": seed,
                "population": population,
            },
            idempotency_key=idempotency_key,
        )
        answer: BacktestOut = await self._send(request)
        return answer

    async def read_event(
        self,
        id: str,
    ) -> EventDetailOut:
        """One event, and how far it has come to each endpoint."""
        request = wire.request(
            "GET",
            f"/v1/events/{wire.segment(id)}",
        )
        answer: EventDetailOut = await self._send(request)
        return answer

    async def read_test_clock(
        self,
    ) -> TestClockOut:
        """The time of your test data."""
        request = wire.request(
            "GET",
            "/v1/test-clock",
        )
        answer: TestClockOut = await self._send(request)
        return answer

    async def advance_test_clock(
        self,
        *,
        to: str | None | Unset = UNSET,
        by: str | None | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> AdvanceOut:
        """Move the clock forward and do all that falls due on the way, in order, at its time."""
        request = wire.request(
            "POST",
            "/v1/test-clock/advance",
            body={"to": to, "by": by},
            idempotency_key=idempotency_key,
        )
        answer: AdvanceOut = await self._send(request)
        return answer

    async def reset_test_clock(
        self,
        *,
        idempotency_key: str | None = None,
    ) -> TestClockOut:
        """Erase your test objects (not keys and endpoints) and return to real time."""
        request = wire.request(
            "POST",
            "/v1/test-clock/reset",
            body={},
            idempotency_key=idempotency_key,
        )
        answer: TestClockOut = await self._send(request)
        return answer
