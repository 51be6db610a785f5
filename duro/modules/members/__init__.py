"""The team of a tenant: who they are, and what each may do."""
