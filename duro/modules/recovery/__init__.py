"""Recovery: the case of each failed renewal, its decisions and its ledger."""
