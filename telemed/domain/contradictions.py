"""Contradictions of a report with itself, with its patient and with its request: pointed out before it is signed.

Each rule is a row of data: words, what they stand against, a sentence, a source, and whether a signature needs a reason. The rules of
every centre are `SHARED`; a centre's own stand in its declaration. Words that are named only to say that a thing is not there do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from telemed.domain.report import Result

_ = str  # marks text for the translation catalogue


class Severity(StrEnum):
    STOP = "stop"
    """Nothing is signed before a person has said why it is right all the same."""
    HINT = "hint"
    """Pointed out, and signed as it is."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """What is about to be signed, as the rules look at it.

    `sections` are the texts that a reader wrote, by field; `required` the names of those that must say something; `conclusion` is the
    text that stands out on paper. `criticals` are the findings that count; `stated` the codes of what the analysis of the evidence
    states. `age` is in completed years, None where it is not known.
    """

    sections: Mapping[str, str]
    conclusion: str = ""
    required: frozenset[str] = frozenset()
    result: Result = Result.NOT_JUDGED
    request: Mapping[str, Any] = field(default_factory=dict)
    sex: str = "unknown"
    age: int | None = None
    criticals: tuple[str, ...] = ()
    stated: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return "\n".join(self.sections.values())


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found: what the report says, and what it stands against (words, or message ids)."""

    said: str
    against: str = ""


class ContradictionRule(Protocol):
    """One rule. `message` is a message id with %(said)s and %(against)s; `source` says where the rule comes from."""

    @property
    def code(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def message(self) -> str: ...
    @property
    def source(self) -> str: ...
    def find(self, report: Unsigned) -> Iterator[Found]: ...


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A rule that a report breaks, with what was found."""

    code: str
    severity: Severity
    message: str
    said: str
    against: str


def contradictions(report: Unsigned, rules: Sequence[ContradictionRule]) -> tuple[Contradiction, ...]:
    """Return what the rules find, in their order; of each rule the first."""
    found = ((rule, next(rule.find(report), None)) for rule in rules)
    return tuple(Contradiction(rule.code, rule.severity, rule.message, each.said, each.against) for rule, each in found if each)


CLAUSE_ENDS = re.compile(r"[，。；！？\n]|[,;!?](?!\d)|\.(?!\d)")
NOT_THERE_BEFORE = re.compile(r"未见|未探及|未显示|未发现|未扫及|不见|没有|无|缺如|\b(?:no|not|without|absent)\b", re.IGNORECASE)
NOT_THERE_AFTER = re.compile(
    r"^.{0,6}?(?:缺如|未显示|未探及|未见(?:显示|$)|(?:已|术后|次全|全)?切除"
    r"|\b(?:is|are)? ?(?:absent|not (?:seen|visuali[sz]ed)))",
    re.IGNORECASE,
)
SOMETHING_WRONG = re.compile(
    r"异常|占位|病变|病灶|增厚|增大|肿|扩张|积液|结节|囊(?:肿|性|变)|出血|abnormal|lesion|mass|enlarge|cyst|fluid|thicken", re.IGNORECASE
)
"""Who finds nothing wrong with a thing says that it is there."""


def named(words: str, text: str, but: str = "") -> str:
    """Return the first of the words (a pattern) that the text says is there, as it is written; empty where it says of none.

    `but` is a pattern of longer words in which they mean something else.
    """
    pattern, others = re.compile(words, re.IGNORECASE), re.compile(but, re.IGNORECASE) if but else None
    for clause in CLAUSE_ENDS.split(text):
        hidden = [each.span() for each in others.finditer(clause)] if others else []
        for each in pattern.finditer(clause):
            within = any(begin <= each.start() and each.end() <= end for begin, end in hidden)
            if not within and not _absent(clause[: each.start()], clause[each.end() :]):
                return each.group()
    return ""


def _absent(before: str, after: str) -> bool:
    negation = list(NOT_THERE_BEFORE.finditer(before))
    if negation and not SOMETHING_WRONG.search(before[negation[-1].end() :] + after):
        return True
    return NOT_THERE_AFTER.search(after) is not None


NORMAL_SENTENCE = re.compile(
    r"(?:\d+\s*[.、)）]\s*)?[^，,；;]{0,24}?"
    r"(?:未见(?:明显|明确|确切|显著)?(?:骨质|器质性)?异常(?:征象|改变)?|(?<![不非])正常(?:范围)?(?:心电图)?|窦性心律"
    r"|no (?:\w+ ){0,2}abnormalit(?:y|ies)(?: \w+){0,2}|(?<!ab)(?<!not )normal(?: \w+){0,3}|within normal limits|sinus rhythm)",
    re.IGNORECASE,
)


def all_normal(text: str) -> bool:
    """True if every sentence of the text says that nothing was found, and there is one."""
    sentences = [each.strip() for each in re.split(r"[。；;\n]|\.(?=\s|$)(?<!\d\.)", text) if each.strip()]
    return bool(sentences) and all(NORMAL_SENTENCE.fullmatch(each) for each in sentences)


@dataclass(frozen=True, slots=True)
class OrganOfOtherSex:
    """An organ that a patient of this sex does not have. `words` and `but` as in `named`."""

    code: str
    sex: str
    words: str
    message: str
    source: str
    but: str = ""
    severity: Severity = Severity.STOP

    def find(self, report: Unsigned) -> Iterator[Found]:
        if report.sex == self.sex and (organ := named(self.words, report.text, self.but)):
            yield Found(organ)


@dataclass(frozen=True, slots=True)
class WordsOfAge:
    """Words that fit patients from `youngest` to `oldest` years alone, both included."""

    code: str
    words: str
    youngest: int
    oldest: int
    message: str
    source: str
    severity: Severity = Severity.HINT

    def find(self, report: Unsigned) -> Iterator[Found]:
        if report.age is None or self.youngest <= report.age <= self.oldest:
            return
        if word := named(self.words, report.text):
            yield Found(word, str(report.age))


@dataclass(frozen=True, slots=True)
class NegativeThoughCritical:
    """The result is negative, and a critical value is on record."""

    code: str
    message: str
    source: str
    severity: Severity = Severity.STOP

    def find(self, report: Unsigned) -> Iterator[Found]:
        if report.result is Result.NEGATIVE and report.criticals:
            yield Found(_("Negative"), report.criticals[0])


@dataclass(frozen=True, slots=True)
class NormalThoughCritical:
    """The conclusion says that nothing was found, and a critical value is on record."""

    code: str
    message: str
    source: str
    severity: Severity = Severity.STOP

    def find(self, report: Unsigned) -> Iterator[Found]:
        if report.criticals and all_normal(report.conclusion):
            yield Found(report.conclusion.strip(), report.criticals[0])


@dataclass(frozen=True, slots=True)
class NormalThoughPositive:
    """The conclusion says that nothing was found, and the result is positive without a critical value."""

    code: str
    message: str
    source: str
    severity: Severity = Severity.HINT

    def find(self, report: Unsigned) -> Iterator[Found]:
        if report.result is Result.POSITIVE and not report.criticals and all_normal(report.conclusion):
            yield Found(report.conclusion.strip(), _("Positive"))


@dataclass(frozen=True, slots=True)
class SectionWithoutWords:
    """A section that must say something has signs and spaces alone."""

    code: str
    message: str
    source: str
    severity: Severity = Severity.STOP

    def find(self, report: Unsigned) -> Iterator[Found]:
        for name in sorted(report.required & report.sections.keys()):
            if not any(character.isalnum() for character in report.sections[name]):
                yield Found(report.sections[name].strip())


@dataclass(frozen=True, slots=True)
class OtherSide:
    """The request names one side of a paired part, the report the other side alone.

    `parts` are the paired parts, each with all its words as one pattern; `asked_in` the fields of the request that say what is wanted.
    """

    code: str
    parts: tuple[str, ...]
    asked_in: tuple[str, ...]
    message: str
    source: str
    severity: Severity = Severity.STOP

    def find(self, report: Unsigned) -> Iterator[Found]:
        asked = "\n".join(str(report.request.get(name, "")) for name in self.asked_in)
        for part in self.parts:
            wanted, written = _sides(part, asked), _sides(part, report.text)
            if len(wanted) == 1 and len(written) == 1 and wanted.keys() != written.keys():
                yield Found(*written.values(), *wanted.values())


SIDES = (("left", r"左|\bleft\b"), ("right", r"右|\bright\b"), ("both", r"双|两|\bboth\b|\bbilateral\b"))
BETWEEN = r"(?:侧|[上中下前后内外]){0,2}(?:第[一二三四五1-5])?|(?:\s+\w+){0,1}\s+"


def _sides(part: str, text: str) -> dict[str, str]:
    """Return the sides on which the text names the part, each with the words that say so; both sides are left and right."""
    found: dict[str, str] = {}
    for side, words in SIDES:
        if each := re.search(f"(?:{words})(?:{BETWEEN})(?:{part})", text, re.IGNORECASE):
            for one in ("left", "right") if side == "both" else (side,):
                found.setdefault(one, each.group())
    return found


@dataclass(frozen=True, slots=True)
class PartOfBody:
    """A part that can be asked for: its label, words that may belong to it, and words that belong to no other part (patterns)."""

    label: str
    words: str
    own: str


@dataclass(frozen=True, slots=True)
class OtherPart:
    """The report names another part of the body than the request asks for (`parts` by the value of `asked_in`), and this one nowhere:
    the text of another examination."""

    code: str
    asked_in: str
    parts: Mapping[str, PartOfBody]
    message: str
    source: str
    severity: Severity = Severity.STOP

    def find(self, report: Unsigned) -> Iterator[Found]:
        asked = self.parts.get(str(report.request.get(self.asked_in, "")).upper())
        if asked is None or re.search(asked.words, report.text, re.IGNORECASE):
            return
        for part in self.parts.values():
            if part is not asked and (other := re.search(part.own, report.text, re.IGNORECASE)):
                yield Found(other.group(), asked.label)


@dataclass(frozen=True, slots=True)
class OtherThanMeasured:
    """The analysis of the evidence states one of `stated` (its code, with its name), and the report has `words` and none of `unless`."""

    code: str
    stated: Mapping[str, str]
    words: str
    message: str
    source: str
    unless: str = ""
    severity: Severity = Severity.STOP

    def find(self, report: Unsigned) -> Iterator[Found]:
        if self.unless and named(self.unless, report.text):
            return
        for code, name in self.stated.items():
            if code in report.stated and (words := named(self.words, report.text)):
                yield Found(words, name)


OF_WOMEN = r"子宫|卵巢|输卵管|宫颈|阴道|\buter(?:us|ine)\b|\bovar(?:y|ies|ian)\b|\bfallopian\b|\bvagina(?:l)?\b"
OF_MEN = r"前列腺|精囊|睾丸|附睾|阴茎|阴囊|\bprostat(?:e|ic)\b|\bseminal vesicles?\b|\btest(?:is|es|icles?|icular)\b|\bpenis\b|\bscrotum\b"
OF_AGE = _("The text names %(said)s, and the patient is %(against)s years old")
ANATOMY = "Terminologia Anatomica (FCAT 1998), A09: female and male genital systems"

SHARED: tuple[ContradictionRule, ...] = (
    NegativeThoughCritical("critical-negative", _("The result is negative, and a critical value is on record: %(against)s"), "practice"),
    NormalThoughCritical("critical-normal", _("The conclusion says normal, and a critical value is on record: %(against)s"), "practice"),
    NormalThoughPositive("positive-normal", _("The conclusion says normal, and the result is positive"), "practice"),
    OrganOfOtherSex("sex-male", "male", OF_WOMEN, _("The text names %(said)s, and the patient is male"), ANATOMY,
                    but=r"男性子宫|卵巢样间质|ovarian[- ]type stroma"),
    OrganOfOtherSex("sex-female", "female", OF_MEN, _("The text names %(said)s, and the patient is female"), ANATOMY, but=r"前列腺素"),
    SectionWithoutWords("no-words", _("A section that is needed has no words in it: %(said)s"), "practice"),
    WordsOfAge("age-fontanelle", r"囟门|前囟|\bfontanelles?\b", 0, 3, OF_AGE,
               "practice: the anterior fontanelle is closed by the second birthday in nearly all; a year is left"),
    WordsOfAge("age-growth-plate", r"骨骺未闭|骺线未闭|骺板|\bgrowth plates?\b", 0, 30, OF_AGE,
               "practice: the last growth plate, the clavicle's at the sternum, is closed by 30"),
    WordsOfAge("age-senile", r"老年性|\bsenile\b", 40, 200, OF_AGE, "practice"),
)  # fmt: skip
"""Rules of every centre."""
