"""Unified procedure steps (PS3.4 annex CC): workitems, their states, and a repository that keeps them."""

from dicom_gateway.workitems.repository import SqlWorkitems, WorkitemRepository
from dicom_gateway.workitems.rules import Refused, State, Workitem

__all__ = ["Refused", "SqlWorkitems", "State", "Workitem", "WorkitemRepository"]
