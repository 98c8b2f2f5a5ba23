"""Messages for tests, made here."""

from __future__ import annotations


def message(
    *rows: str,
    character_set: str = "UNICODE UTF-8",
    encoding: str = "^~\\&",
    kind: str = "ORU^R01^ORU_R01",
    version: str = "2.5.1",
    accept: str = "",
    application: str = "",
    control: str = "K1",
    sent: str = "20261120083000+0800",
) -> str:
    """MSH and the given segments, each ended by CR."""
    head = f"MSH|{encoding}|LIS|CLINIC1|TELEMED|MAIN|{sent}||{kind}|{control}|P|{version}|||{accept}|{application}|CHN|{character_set}"
    return "\r".join([head, *rows]) + "\r"


PATIENT = "PID|1||L00042^^^CLINIC1^MR||测试^病人||19610305|M"
ORDER = "OBR|1|O42|F42|24323-8^CMP^LN|||20261120080000"


def result(value: str, *, kind: str = "NM", number: int = 1, unit: str = "mmol/L", status: str = "F") -> str:
    """One OBX of potassium."""
    return f"OBX|{number}|{kind}|2823-3^Potassium^LN||{value}|{unit}|3.5-5.3||||{status}|||20261120080000"
