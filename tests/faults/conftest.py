"""Fault tests start and kill servers of their own."""

from __future__ import annotations
