"""The people a merchant bills."""
