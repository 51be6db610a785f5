"""Credentials: API keys and who they speak for."""
