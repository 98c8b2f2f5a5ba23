"""Unified procedure steps (PS3.4 annex CC): workitems, their states, and a desk that keeps them."""

from dicom_gateway.workitems.desk import TableDesk, WorkitemDesk
from dicom_gateway.workitems.rules import Refused, State, Workitem

__all__ = ["Refused", "State", "TableDesk", "Workitem", "WorkitemDesk"]
