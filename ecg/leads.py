"""Names of ECG leads, one spelling for all formats."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

Real = TypeVar("Real", np.float32, np.float64)

LIMB: Final = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST: Final = ("V1", "V2", "V3", "V4", "V5", "V6")
STANDARD_12: Final = LIMB + CHEST

# fmt: off  (ten to a row, as in the standard)
SCP_LEADS: Final = (
    "?",
    "I",
    "II",
    "V1",
    "V2",
    "V3",
    "V4",
    "V5",
    "V6",
    "V7",
    "V2R",
    "V3R",
    "V4R",
    "V5R",
    "V6R",
    "V7R",
    "X",
    "Y",
    "Z",
    "CC5",
    "CM5",
    "LA",
    "RA",
    "LL",
    "fI",
    "fE",
    "fC",
    "fA",
    "fM",
    "fF",
    "fH",
    "dI",
    "dII",
    "dV1",
    "dV2",
    "dV3",
    "dV4",
    "dV5",
    "dV6",
    "dV7",
    "dV2R",
    "dV3R",
    "dV4R",
    "dV5R",
    "dV6R",
    "dV7R",
    "dX",
    "dY",
    "dZ",
    "dCC5",
    "dCM5",
    "dLA",
    "dRA",
    "dLL",
    "dfI",
    "dfE",
    "dfC",
    "dfA",
    "dfM",
    "dfF",
    "dfH",
    "III",
    "aVR",
    "aVL",
    "aVF",
    "-aVR",
    "V8",
    "V9",
    "V8R",
    "V9R",
    "D",
    "A",
    "J",
    "Defib",
    "Extern",
    "A1",
    "A2",
    "A3",
    "A4",
    "dV8",
    "dV9",
    "dV8R",
    "dV9R",
    "dD",
    "dA",
    "dJ",
    "Chest",
    "V",
    "VR",
    "VL",
    "VF",
    "MCL",
    "MCL1",
    "MCL2",
    "MCL3",
    "MCL4",
    "MCL5",
    "MCL6",
    "CC",
    "CC1",
    "CC2",
    "CC3",
    "CC4",
    "CC6",
    "CC7",
    "CM",
    "CM1",
    "CM2",
    "CM3",
    "CM4",
    "CM6",
)
# fmt: on
"""Lead names by SCP-ECG number (EN 1064 table 5); MDC codes `2:n` of ISO/IEEE 11073-10102 use the same numbers."""

_SPELLINGS: Final = {name.upper(): name for name in SCP_LEADS[1:]} | {f"C{n}": f"V{n}" for n in range(1, 7)}
_PREFIX: Final = re.compile(r"^(?:MDC_ECG_LEAD_|ECG[ _:-]+|EKG[ _:-]+|LEAD[ _:-]*)", re.IGNORECASE)
_MDC_ODD: Final = {"AVR": "aVR", "AVL": "aVL", "AVF": "aVF", "AVRNEG": "-aVR"}


def lead_name(label: str) -> str:
    """The project's spelling of a label from a file: "ECG AVR", "MDC_ECG_LEAD_AVR" and "avr" are all "aVR".

    A label that is no standard lead (MIT-BIH's MLII, a vendor's own) keeps the spelling that the file gives it.
    """
    bare = _PREFIX.sub("", label.strip()).strip() or label.strip()
    upper = bare.upper()
    return _MDC_ODD.get(upper) or _SPELLINGS.get(upper) or bare[:32] or "?"


def lead_of_number(number: int) -> str:
    """Name of the lead with this SCP-ECG (and MDC) number; "lead n" for one that the table does not name."""
    return SCP_LEADS[number] if 0 < number < len(SCP_LEADS) else f"lead {number}"


def lead_number(name: str) -> int | None:
    """SCP-ECG (and MDC) number of a lead, or None for a lead without one."""
    return SCP_LEADS.index(name) if name in SCP_LEADS[1:] else None


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names in order, a repeated one marked by its count ("V1", "V1 (2)"), so that each names one row."""
    seen: dict[str, int] = {}
    marked = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        marked.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(marked)


def derived_limb_leads(lead_i: npt.NDArray[Real], lead_ii: npt.NDArray[Real]) -> dict[str, npt.NDArray[Real]]:
    """III, aVR, aVL and aVF from I and II, microvolts, shape (n,) each: Einthoven's law, Goldberger's leads."""
    return {
        "III": lead_ii - lead_i,
        "aVR": -(lead_i + lead_ii) / 2,
        "aVL": lead_i - lead_ii / 2,
        "aVF": lead_ii - lead_i / 2,
    }
