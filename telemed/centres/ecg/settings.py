"""Settings of the ECG centre."""

from __future__ import annotations

from pydantic import Field

from telemed.settings import SettingsGroup


class EcgSettings(SettingsGroup):
    """The description of each field is its documentation (`docs/running.md`)."""

    ecg_folder: str = Field(
        default="", description="Folder in which ECG carts leave files, below a folder of their member's code; empty: none is watched"
    )
