"""What happened to a tenant's objects: written with the change, read by the API and the webhooks."""
