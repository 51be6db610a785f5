"""Owns composition: from settings to running engines, pools, applications and workers."""
