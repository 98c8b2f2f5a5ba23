"""One request and the report that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CaseText:
    """`request` and `report` hold the centre's own form fields.

    `evidence` names what the demo can generate (`telemed.demo.evidence`). `critical` is one of the centre's critical
    findings, empty where there is none. `sex` and `age` (least, most) say whom the text fits.
    """

    key: str
    request: Mapping[str, str | bool]
    report: Mapping[str, str]
    evidence: tuple[str, ...] = ()
    positive: bool = False
    critical: str = ""
    sex: str = ""
    age: tuple[int, int] = (0, 120)

    @property
    def centre(self) -> str:
        return self.key.partition("/")[0]
