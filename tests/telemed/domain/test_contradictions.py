"""What does not go together in a report: each rule at a hit, at what only looks like one, and where a thing is said not to be there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from telemed import centres
from telemed.demo.texts import TEXTS
from telemed.demo.texts.case_text import CaseText
from telemed.domain.centre import Template
from telemed.domain.contradictions import SHARED, Severity, Unsigned, all_normal, contradictions, named
from telemed.domain.report import Result

ALL = centres.discover()
BLEEDING = "急性颅内出血"


def found(text: str = "", *, centre: str = "imaging", conclusion: str = "", **facts: Any) -> dict[str, tuple[str, str]]:
    """What the centre's rules find, by code."""
    report = Unsigned({"findings": text, "impression": conclusion}, conclusion=conclusion, **facts)
    return {each.code: (each.said, each.against) for each in contradictions(report, ALL[centre].contradiction_rules)}


@pytest.mark.parametrize(
    ("sex", "text", "organ"),
    [
        ("male", "子宫大小形态正常，双侧附件区未见异常。", "子宫"),
        ("male", "膀胱充盈可，子宫未见异常。", "子宫"),
        ("male", "未见子宫占位。", "子宫"),
        ("male", "左侧卵巢囊肿。", "卵巢"),
        ("male", "The uterus is normal.", "uterus"),
        ("female", "前列腺增大，伴钙化。", "前列腺"),
        ("female", "精囊腺对称。", "精囊"),
        ("female", "The prostate is enlarged.", "prostate"),
    ],
)
def test_an_organ_that_this_patient_does_not_have(sex: str, text: str, organ: str) -> None:
    assert found(text, sex=sex) == {f"sex-{sex}": (organ, "")}


@pytest.mark.parametrize(
    ("sex", "text"),
    [
        ("male", "未见子宫及附件。"),
        ("male", "盆腔内未见子宫、卵巢影。"),
        ("male", "子宫缺如。"),
        ("male", "No uterus is seen."),
        ("male", "卵圆孔未闭，半卵圆中心小缺血灶，胎儿型大脑后动脉。"),
        ("male", "前列腺小囊（男性子宫）。"),
        ("female", "未见前列腺、精囊。"),
        ("female", "前列腺素治疗后。"),
        ("female", "The cause is uncertain; the test was repeated."),
        ("female", "子宫大小形态正常。"),
        ("male", "前列腺增大。"),
        ("unknown", "子宫大小形态正常，前列腺增大。"),
        ("other", "子宫大小形态正常，前列腺增大。"),
    ],
)
def test_an_organ_that_is_said_not_to_be_there_or_only_sounds_so(sex: str, text: str) -> None:
    assert found(text, sex=sex) == {}


@pytest.mark.parametrize(
    ("text", "below", "at", "above"),
    [
        ("前囟平软。", {}, {}, {"age-fontanelle": ("前囟", "4")}),
        ("骨骺未闭合。", {}, {}, {"age-growth-plate": ("骨骺未闭", "31")}),
        ("老年性脑改变。", {"age-senile": ("老年性", "39")}, {}, {}),
    ],
)
def test_words_that_do_not_fit_the_age(text: str, below: dict[str, Any], at: dict[str, Any], above: dict[str, Any]) -> None:
    limit = {"前囟平软。": 3, "骨骺未闭合。": 30, "老年性脑改变。": 40}[text]
    assert [found(text, age=limit + step) for step in (-1, 0, 1)] == [below, at, above]
    assert found(text, age=None) == {}
    assert found(f"未见{text}", age=limit + 30 if above else limit - 30) == {}


@pytest.mark.parametrize(
    ("result", "criticals", "conclusion", "code"),
    [
        (Result.NEGATIVE, (BLEEDING,), "左侧基底节区脑出血。", "critical-negative"),
        (Result.POSITIVE, (BLEEDING,), "颅脑 CT 平扫未见明显异常。", "critical-normal"),
        (Result.POSITIVE, (BLEEDING,), "1. 窦性心律。\n2. 正常心电图。", "critical-normal"),
        (Result.POSITIVE, (), "No acute abnormality.", "positive-normal"),
        (Result.POSITIVE, (BLEEDING,), "左侧基底节区脑出血，余未见异常。", ""),
        (Result.NEGATIVE, (), "颅脑 CT 平扫未见明显异常。", ""),
        (Result.NOT_JUDGED, (), "颅脑 CT 平扫未见明显异常。", ""),
        (Result.NOT_JUDGED, (BLEEDING,), "左侧基底节区脑出血。", ""),
        (Result.POSITIVE, (), "右肺结节。", ""),
    ],
)
def test_a_critical_value_and_a_result_or_a_conclusion(result: Result, criticals: tuple[str, ...], conclusion: str, code: str) -> None:
    assert list(found("颅内", conclusion=conclusion, result=result, criticals=criticals)) == ([code] if code else [])


@pytest.mark.parametrize("text", ["未见异常。建议复查。", "不正常", "Abnormal ECG.", "Not normal.", "窦性心律，室性早搏。", "", "。"])
def test_a_conclusion_that_says_more_than_normal_is_not_all_normal(text: str) -> None:
    assert not all_normal(text)


@pytest.mark.parametrize(
    ("request_text", "text", "said"),
    [
        ("握拳击打硬物后右手肿痛", "左手第五掌骨颈骨折。", ("左手", "右手")),
        ("左膝疼痛", "右膝关节间隙正常。", ("右膝", "左膝")),
        ("右侧乳腺肿块", "左侧乳腺见结节。", ("左侧乳", "右侧乳")),
        ("右上肺结节复查", "左肺下叶见结节。", ("左肺", "右上肺")),
        ("pain in the left wrist", "Fracture of the right wrist.", ("right wrist", "left wrist")),
        ("右手外伤", "左手未见骨折。", ("左手", "右手")),
    ],
)
def test_the_other_side_than_was_asked_for(request_text: str, text: str, said: tuple[str, str]) -> None:
    assert found(text, request={"reason": request_text}) == {"side": said}


@pytest.mark.parametrize(
    ("request_text", "text"),
    [
        ("突发右侧肢体无力", "左侧基底节区脑出血，中线结构右移。"),
        ("右手外伤", "右手第五掌骨骨折，远折端向左移位。"),
        ("右手外伤", "双手诸骨未见骨折，左手示指陈旧骨折。"),
        ("右手外伤", "右手骨折，左手未见异常。"),
        ("双膝疼痛", "左膝退行性变。"),
        ("左膝疼痛", "膝关节间隙正常。"),
        ("手外伤", "左手骨折。"),
        ("右手术后复查", "左手骨折。"),
        ("右手外伤", "左侧胫骨骨折。"),
    ],
)
def test_sides_that_do_not_speak_of_the_same_part_or_agree(request_text: str, text: str) -> None:
    assert "side" not in found(text, request={"reason": request_text})


def test_the_history_may_speak_of_the_other_side() -> None:
    assert found("右膝关节间隙正常。", request={"reason": "右膝疼痛", "history": "左膝置换术后"}) == {}


@pytest.mark.parametrize(
    ("part", "text", "hit"),
    [
        ("CHEST", "颅骨骨质完整，脑实质内未见异常密度影。", True),
        ("head", "双肺纹理清晰。", True),
        ("HAND", "膝关节诸骨骨质结构完整。", True),
        ("CHEST", "双肺纹理清晰，所示肝脏未见异常。", False),
        ("HEAD", "未见明显异常。", False),
        ("SHOULDER", "双肺纹理清晰。", False),
        ("", "双肺纹理清晰。", False),
        ("KNEE", "未见骨折。颅脑未查。", True),
    ],
)
def test_the_text_of_another_examination(part: str, text: str, hit: bool) -> None:
    assert ("part" in found(text, request={"body_part": part})) is hit


PARTS = ("HEAD", "NECK", "CHEST", "ABDOMEN", "PELVIS", "SPINE", "HAND", "KNEE", "FOOT", "BREAST")


@pytest.mark.parametrize("template", ALL["imaging"].templates, ids=lambda template: template.title)
@pytest.mark.parametrize("part", PARTS)
def test_a_template_is_found_out_wherever_it_does_not_belong(template: Template, part: str) -> None:
    text = "\n".join(template.sections.values())
    assert ("part" in found(text, request={"body_part": part})) is (part not in template.when["body_part"])


@pytest.mark.parametrize(
    ("stated", "text", "code"),
    [
        ("atrial-fibrillation", "窦性心律，正常心电图。", "rhythm"),
        ("atrial-fibrillation", "Sinus rhythm.", "rhythm"),
        ("atrial-fibrillation", "心房颤动，未见窦性心律。", ""),
        ("atrial-fibrillation", "心房颤动转为窦性心律。", ""),
        ("atrial-fibrillation", "未见窦性心律。", ""),
        ("asystole-suspected", "窦性心律。", "rhythm"),
        ("st-elevation", "窦性心律，正常心电图。", "normal-ecg"),
        ("st-elevation", "窦性心律，大致正常心电图。", ""),
        ("long-qtc", "Abnormal ECG.", ""),
        ("sinus-rhythm", "窦性心律，正常心电图。", ""),
    ],
)
def test_a_tracing_that_states_something_else(stated: str, text: str, code: str) -> None:
    assert list(found(text, centre="ecg", stated=frozenset({stated}))) == ([code] if code else [])


@pytest.mark.parametrize(("text", "hit"), [("。", True), ("——", True), (" … ", True), ("未见", False), ("-1", False)])
def test_a_section_of_signs_alone(text: str, hit: bool) -> None:
    report = Unsigned({"findings": text}, required=frozenset({"findings"}))
    assert [each.code for each in contradictions(report, SHARED)] == ["no-words"] * hit
    assert contradictions(replace(report, required=frozenset()), SHARED) == ()


def test_of_several_mentions_the_one_that_is_there_counts() -> None:
    assert named("子宫", "未见子宫。术后改变，子宫残端可见。") == "子宫"
    assert named("子宫", "未见子宫。") == ""


@pytest.mark.parametrize("text", TEXTS.values(), ids=lambda text: text.key)
def test_reports_as_people_write_them_are_left_alone(text: CaseText) -> None:
    centre = ALL[text.centre]
    judged = Result.POSITIVE if text.positive else Result.NEGATIVE
    report = Unsigned(
        text.report,
        conclusion="\n".join(text.report[field.name] for field in centre.report_form.fields if field.prominent),
        required=frozenset(text.report),
        result=judged if centre.results else Result.NOT_JUDGED,
        request=text.request,
        criticals=(text.critical,) if text.critical else (),
    )
    for sex in (text.sex,) if text.sex else ("male", "female"):
        for age in text.age:
            assert contradictions(replace(report, sex=sex, age=age), centre.contradiction_rules) == ()


@pytest.mark.parametrize("centre", ALL)
def test_every_rule_has_a_name_of_its_own_a_source_and_a_sentence(centre: str) -> None:
    rules = ALL[centre].contradiction_rules
    assert len({rule.code for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.source
        assert rule.message % {"said": "a", "against": "b"}
        assert rule.severity in Severity
