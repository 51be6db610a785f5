"""Owns credit balances for tests that are not about plan changes."""

from typing import Final

# $1 subscription, $2 minor units: as a downgrade would have left it. The id comes before every real one.
GIVE_CREDIT: Final = """
    WITH credited AS (
         UPDATE subscriptions SET balance_minor = balance_minor + $2 WHERE id = $1
      RETURNING tenant_id, plan_id, balance_minor),
         noted AS (
         INSERT INTO balance_entries (tenant_id, id, subscription_id, amount_minor, balance_after_minor, reason,
                                      created_at)
         SELECT tenant_id, 'bal_00' || $1, $1, $2, balance_minor, 'downgrade', now() FROM credited)
    INSERT INTO ledger_entries (tenant_id, cause, cause_id, debit, credit, amount_minor, currency, posted_at)
    SELECT c.tenant_id, 'balance', 'bal_00' || $1, 'merchant_payable', 'customer_credit', $2, p.currency, now()
      FROM credited c
      JOIN plans p ON p.tenant_id = c.tenant_id AND p.id = c.plan_id
"""
