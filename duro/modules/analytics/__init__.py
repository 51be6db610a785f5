"""Analytics: what a merchant earns, loses and gets back, read from what the other features recorded."""
