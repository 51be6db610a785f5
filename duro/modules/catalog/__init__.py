"""What a merchant sells: plans."""
