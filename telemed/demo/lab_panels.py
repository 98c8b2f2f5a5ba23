"""Laboratory results of made-up patients, as the sheet that a laboratory prints and as the HL7 message its system sends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from telemed.demo.people import DemoPatient


@dataclass(frozen=True)
class LabResult:
    """One result. `loinc` is its code, `low` and `high` the reference limits (either may be absent)."""

    name: str
    loinc: str
    value: str
    unit: str
    low: float | None = None
    high: float | None = None
    expected: str = ""
    """Reference text where there are no limits."""

    @property
    def reference(self) -> str:
        """The reference interval as it is printed."""
        if self.low is not None and self.high is not None:
            return f"{self.low:g}-{self.high:g}"
        if self.high is not None:
            return f"<{self.high:g}"
        return f">{self.low:g}" if self.low is not None else self.expected

    @property
    def flag(self) -> str:
        """H, L, A (not as expected) or empty: HL7 table 0078."""
        if self.expected:
            return "" if self.value == self.expected else "A"
        number = float(self.value.lstrip("<>"))
        if self.high is not None and number > self.high:
            return "H"
        return "L" if self.low is not None and (number < self.low or self.value.startswith("<")) else ""


@dataclass(frozen=True)
class LabPanel:
    title: str
    specimen: str
    results: tuple[LabResult, ...]


def _count(wbc: str, rbc: str, hb: str, hct: str, mcv: str, mch: str, plt: str) -> tuple[LabResult, ...]:
    return (
        LabResult("白细胞计数", "6690-2", wbc, "10*9/L", 3.5, 9.5),
        LabResult("红细胞计数", "789-8", rbc, "10*12/L", 3.8, 5.1),
        LabResult("血红蛋白", "718-7", hb, "g/L", 115, 150),
        LabResult("红细胞压积", "4544-3", hct, "%", 35, 45),
        LabResult("平均红细胞体积", "787-2", mcv, "fL", 82, 100),
        LabResult("平均红细胞血红蛋白量", "785-6", mch, "pg", 27, 34),
        LabResult("血小板计数", "777-3", plt, "10*9/L", 125, 350),
    )


PANELS: Mapping[str, LabPanel] = MappingProxyType(
    {
        "hyperkalaemia": LabPanel("电解质、肾功能", "血清", (
            LabResult("钾", "2823-3", "6.8", "mmol/L", 3.5, 5.3), LabResult("钠", "2951-2", "134", "mmol/L", 137, 147),
            LabResult("氯", "2075-0", "101", "mmol/L", 99, 110), LabResult("钙", "2000-8", "2.02", "mmol/L", 2.11, 2.52),
            LabResult("尿素", "22664-7", "28.6", "mmol/L", 3.1, 8.0), LabResult("肌酐", "14682-9", "812", "umol/L", 57, 97))),
        "anaemia": LabPanel("血常规、铁代谢", "全血、血清", (
            *_count("5.8", "3.05", "58", "20.1", "66", "19", "412"), LabResult("铁蛋白", "2276-4", "4", "ug/L", 13, 150))),
        "thrombocytopenia": LabPanel("血常规、凝血功能", "全血、血浆", (
            *_count("6.1", "4.32", "124", "38.2", "88", "29", "18"), LabResult("凝血酶原时间", "5902-2", "12.1", "s", 9.8, 13.2),
            LabResult("活化部分凝血活酶时间", "14979-9", "31.4", "s", 25, 37), LabResult("纤维蛋白原", "3255-7", "2.9", "g/L", 2, 4))),
        "diabetes": LabPanel("血糖、糖化血红蛋白、血脂", "血清、全血", (
            LabResult("空腹葡萄糖", "14771-0", "9.4", "mmol/L", 3.9, 6.1), LabResult("糖化血红蛋白", "4548-4", "7.9", "%", 4, 6),
            LabResult("总胆固醇", "14647-2", "6.1", "mmol/L", None, 5.2), LabResult("甘油三酯", "14927-8", "2.4", "mmol/L", None, 1.7),
            LabResult("低密度脂蛋白胆固醇", "22748-8", "3.9", "mmol/L", None, 3.4))),
        "hepatitis": LabPanel("肝功能、乙肝表面抗原", "血清", (
            LabResult("丙氨酸氨基转移酶", "1742-6", "864", "U/L", 9, 50), LabResult("天门冬氨酸氨基转移酶", "1920-8", "512", "U/L", 15, 40),
            LabResult("总胆红素", "14631-6", "68.4", "umol/L", None, 23), LabResult("直接胆红素", "14629-0", "47.2", "umol/L", None, 8),
            LabResult("白蛋白", "1751-7", "38.6", "g/L", 40, 55), LabResult("γ-谷氨酰转移酶", "2324-2", "142", "U/L", 10, 60),
            LabResult("乙肝表面抗原", "5195-3", "阴性", "", expected="阴性"))),
        "thyroid": LabPanel("甲状腺功能", "血清", (
            LabResult("促甲状腺激素", "3016-3", "<0.01", "mIU/L", 0.27, 4.2),
            LabResult("游离三碘甲状腺原氨酸", "14928-6", "14.2", "pmol/L", 3.1, 6.8),
            LabResult("游离甲状腺素", "14920-3", "46.8", "pmol/L", 12, 22))),
        "kidney": LabPanel("尿常规、尿蛋白定量、生化", "尿、血清", (
            LabResult("尿蛋白", "20454-5", "3+", "", expected="阴性"), LabResult("尿蛋白/肌酐比值", "2890-2", "4260", "mg/g", None, 200),
            LabResult("白蛋白", "1751-7", "24.1", "g/L", 40, 55), LabResult("总胆固醇", "14647-2", "8.6", "mmol/L", None, 5.2),
            LabResult("肌酐", "14682-9", "78", "umol/L", 57, 97))),
        "normal-count": LabPanel("血常规", "全血", _count("6.2", "4.71", "142", "42.1", "89.4", "30.1", "236")),
    }
)  # fmt: skip


def oru_message(panel: LabPanel, patient: DemoPatient, facility: str, accession_number: str, at: datetime) -> bytes:
    """The results as an unsolicited HL7 v2.5.1 message ORU^R01 in UTF-8, segments ended by CR.

    `facility` is the sending facility (MSH-4), `at` local time with its zone.
    """
    stamp = f"{at:%Y%m%d%H%M%S%z}"
    sex = {"male": "M", "female": "F"}.get(patient.sex, "U")
    segments = [
        f"MSH|^~\\&|LIS|{facility}|TELEMED|NETWORK|{stamp}||ORU^R01^ORU_R01|{accession_number}|P|2.5.1|||AL|NE||UNICODE UTF-8",
        f"PID|1||{patient.number}^^^{facility}^MR~{patient.resident_id}^^^^NI||{patient.name}||{patient.birth_date:%Y%m%d}|{sex}",
        f"OBR|1|{accession_number}|{accession_number}|PANEL^{panel.title}^L|||{stamp}|||||||||||||||{stamp}||LAB|F",
    ]
    for number, result in enumerate(panel.results, start=1):
        code, observed = f"{result.loinc}^{result.name}^LN", f"{_observation(result)}|{result.unit}|{result.reference}"
        segments.append(f"OBX|{number}|{_value_type(result)}|{code}||{observed}|{result.flag}|||F|||{stamp}")
    return ("\r".join(segments) + "\r").encode()


def _value_type(result: LabResult) -> str:
    if result.expected:
        return "ST"
    return "SN" if result.value[0] in "<>" else "NM"


def _observation(result: LabResult) -> str:
    return f"{result.value[0]}^{result.value[1:]}" if _value_type(result) == "SN" else result.value
