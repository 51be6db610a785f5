"""Double entry: what every movement of money takes from one account and gives to another."""
