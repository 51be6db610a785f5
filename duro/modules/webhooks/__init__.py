"""Events on their way to the merchants' endpoints: fan-out, signatures, attempts, retries."""
