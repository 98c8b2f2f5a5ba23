"""The table of days and the courses, as they follow from results: rows, columns, marks, limits of the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.centres.lab.adapters.catalogued_tests import CataloguedTests
from telemed.centres.lab.cumulative import Column, Cumulative, LabTest, Mark, Row, Subject, cumulative, recognition_of
from telemed.centres.lab.domain import Result, ResultCode, ResultStatus, ResultValue
from telemed.centres.lab.operation import QUIET_AFTER, SILENT_AFTER, Standing, Traffic, orders_of
from telemed.centres.lab.web.charts import HEIGHT, LEFT, RIGHT, SPARK, WIDTH, chart_of, spark_of, steps

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 17, 4, 0, tzinfo=UTC)
POTASSIUM = ResultCode("1400605A", "2823-3", "")
CREATININE = ResultCode("1700404A", "14682-9", "")
MAN = Subject("male", datetime(1961, 3, 5, tzinfo=UTC).date())


def result(
    value: str,
    *,
    code: ResultCode = POTASSIUM,
    at: datetime = NOON,
    member: str = "CLINIC1",
    unit: str = "mmol/L",
    printed: str = "3.5-5.3",
    flag: str = "",
    status: ResultStatus = ResultStatus.FINAL,
    name: str = "钾",
    order: str = "O1",
) -> Result:
    number = float(value.lstrip("<>")) if value.lstrip("<>").replace(".", "").isdigit() else None
    said = ResultValue(number, value[0] if value[0] in "<>" else "", value, value, unit, printed, flag)
    key = f"{value}{at}{member}{code}{name}{order}"
    return Result(key, key, member, "P1", order, code, name, "", "", said, status, at, at, "m1")


def table_of(*results: Result, subject: Subject = MAN) -> Cumulative:
    return cumulative(results, CataloguedTests(), subject, ZONE)


def only_row(*results: Result, subject: Subject = MAN) -> Row:
    (row,) = table_of(*results, subject=subject).rows
    return row


def test_one_test_is_one_row_whoever_reported_it() -> None:
    table = table_of(
        result("4.1", at=NOON - timedelta(days=3)),
        result("4.4", member="CLINIC2", code=ResultCode("", "2823-3", "K+"), name="K+", at=NOON - timedelta(days=1)),
        result("80", code=CREATININE, unit="umol/L", printed="57-97", name="肌酐"),
    )
    assert [(group.code, [row.short for row in group.rows]) for group in table.groups] == [("14", ["K"]), ("17", ["CREA"])]
    assert [each.result.value.text for each in table.rows[0].readings] == ["4.1", "4.4"]


def test_what_the_catalogue_does_not_know_is_a_row_of_its_institution_at_the_end() -> None:
    own = ResultCode("", "", "XK7")
    table = table_of(result("1", code=own, name="自编"), result("2", code=own, name="自编", member="CLINIC2"), result("4.1"))
    assert [group.code for group in table.groups] == ["14", "-"]
    assert [row.mapped for row in table.groups[1].rows] == [False, False]


def test_columns_are_days_of_the_region_by_institution_newest_first() -> None:
    late = datetime(2026, 11, 16, 15, 59, tzinfo=UTC)
    table = table_of(
        result("4.1", at=late),
        result("4.2", at=late + timedelta(minutes=1)),
        result("4.3", at=late + timedelta(minutes=2), member="CLINIC2"),
    )
    first, second = datetime(2026, 11, 16, tzinfo=UTC).date(), datetime(2026, 11, 17, tzinfo=UTC).date()
    assert table.columns == (Column(second, "CLINIC1"), Column(second, "CLINIC2"), Column(first, "CLINIC1"))


def test_two_values_of_a_day_stand_in_one_cell_the_newest_first() -> None:
    row = only_row(result("4.1", at=NOON), result("5.6", at=NOON + timedelta(hours=2), flag="H"))
    (cell,) = row.cells.values()
    assert [each.result.value.text for each in cell] == ["5.6", "4.1"]


@pytest.mark.parametrize(
    ("flag", "marks"),
    [("HH", (Mark.CRITICAL, Mark.HIGH)), ("LL", (Mark.CRITICAL, Mark.LOW)), ("H", (Mark.HIGH,)), ("L", (Mark.LOW,)), ("A", (Mark.ABNORMAL,)), ("N", ()), ("", ())],
)  # fmt: skip
def test_flags_are_marks(flag: str, marks: tuple[Mark, ...]) -> None:
    row = only_row(result("4.1", flag=flag))
    assert row.newest.marks == marks
    assert row.abnormal is bool(marks)


@pytest.mark.parametrize(
    ("status", "marks"),
    [(ResultStatus.PRELIMINARY, (Mark.PRELIMINARY,)), (ResultStatus.CORRECTED, (Mark.CORRECTED,)), (ResultStatus.FINAL, ())],
)
def test_what_is_not_simply_final_is_marked(status: ResultStatus, marks: tuple[Mark, ...]) -> None:
    assert only_row(result("4.1", status=status)).newest.marks == marks


def test_another_unit_is_marked_and_its_number_compares() -> None:
    old = result("1", code=CREATININE, unit="mg/dL", printed="0.6-1.1", at=NOON - timedelta(days=9), member="CLINIC2")
    row = only_row(old, result("88.4", code=CREATININE, unit="umol/L", printed="57-97"))
    assert row.unit == "umol/L"
    assert row.readings[0].number == pytest.approx(88.4, rel=1e-3)
    assert row.readings[0].limits.high == pytest.approx(97.2, rel=1e-2)
    assert row.readings[1].marks == (Mark.UNIT, Mark.RANGE)


def test_a_range_that_only_looks_different_is_the_same() -> None:
    row = only_row(result("4.1", printed="3.5-5.3", at=NOON - timedelta(days=1)), result("4.2", printed="3.50--5.30"))
    assert row.newest.marks == ()
    row = only_row(result("4.1", printed="3.5-5.3", at=NOON - timedelta(days=1)), result("4.2", printed="3.5-5.5"))
    assert row.newest.marks == (Mark.RANGE,)


def test_a_unit_that_cannot_be_converted_gives_no_number() -> None:
    row = only_row(result("4.1", unit="drops", at=NOON - timedelta(days=1)), result("4.2"))
    assert row.readings[0].number is None
    assert not row.readings[0].limits.stated
    assert spark_of(row, (NOON - timedelta(days=1), NOON)) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [("血红蛋白【全国HR】", "recognised nationwide"), ("血红蛋白[本省HR]", "recognised in the province"), ("血红蛋白（HR）", "marked for mutual recognition"), ("HR", ""), ("CHR 抗体", "")],
)  # fmt: skip
def test_the_recognition_mark_is_read_where_it_stands_in_brackets(name: str, said: str) -> None:
    assert recognition_of(name) == said
    assert (Mark.RECOGNISED in only_row(result("4.1", name=name)).newest.marks) is bool(said)


def test_without_a_printed_range_that_of_age_and_sex_on_the_day_holds() -> None:
    white = ResultCode("0100101A", "6690-2", "")
    row = only_row(result("6.0", code=white, unit="10*9/L", printed="", name="白细胞"))
    assert (row.newest.limits.low, row.newest.limits.high) == (3.5, 9.5)
    assert not only_row(result("6.0", code=white, unit="10*9/L", printed="", name="白细胞"), subject=Subject()).newest.limits.stated


def test_every_test_of_the_catalogue_has_a_group_of_the_page() -> None:
    from telemed.centres.lab.cumulative import GROUPS

    assert {test.group for test in CataloguedTests().tests()} <= set(GROUPS)
    assert all(isinstance(test, LabTest) and test.short for test in CataloguedTests().tests())


MOMENTS = st.integers(0, 700).map(lambda day: NOON - timedelta(days=day))
VALUES = st.floats(0.01, 5000).map(lambda number: f"{number:.2f}")


@given(st.lists(st.tuples(VALUES, MOMENTS, st.sampled_from(["3.5-5.3", "<5", "", "≥60"])), min_size=1, max_size=12))
def test_everything_drawn_lies_within_its_drawing(drawn: list[tuple[str, datetime, str]]) -> None:
    table = table_of(*(result(value, at=at, printed=printed, order=str(n)) for n, (value, at, printed) in enumerate(drawn)))
    (row,), span = table.rows, table.span
    assert span is not None
    chart = chart_of(row, span, ZONE)
    assert chart is not None
    assert len(chart.points) == table.count == len(drawn)
    assert all(LEFT <= point.x <= WIDTH - RIGHT and 0 <= point.y <= HEIGHT for point in chart.points)
    assert all(band.x >= LEFT and band.x + band.width <= WIDTH - RIGHT + 0.2 and band.y >= 0 and band.y + band.height <= HEIGHT for band in chart.bands)  # fmt: skip
    assert all(0 <= y <= HEIGHT for y, _ in chart.y_ticks)
    spark = spark_of(row, span)
    assert (spark is None) is (len(drawn) < 2)
    if spark is not None:
        places = [tuple(map(float, pair.split(","))) for pair in spark.points.split()]
        assert all(0 <= x <= SPARK[0] and 0 <= y <= SPARK[1] for x, y in places)


def test_the_range_of_the_time_holds_from_its_reading_to_the_next() -> None:
    first, second = NOON - timedelta(days=100), NOON - timedelta(days=50)
    row = only_row(
        result("4.1", at=first, printed="3.5-5.3"), result("4.2", at=second, printed="3.5-5.5"), result("4.3", printed="3.5-5.5", order="3")
    )
    chart = chart_of(row, (first, NOON), ZONE)
    assert chart is not None
    old, new, last = chart.bands if len(chart.bands) == 3 else (*chart.bands, None)
    assert old.x == LEFT
    assert old.x + old.width == pytest.approx(new.x)
    assert new.height > old.height
    assert last is None or last.width > 0


@given(st.floats(-1e4, 1e4), st.floats(0.001, 1e5), st.integers(2, 9))
def test_ticks_are_round_few_and_within(low: float, span: float, most: int) -> None:
    found = steps(low, low + span, most)
    assert len(found) <= most + 1
    assert all(low - span * 1e-6 <= tick <= low + span * (1 + 1e-6) for tick in found)


@pytest.mark.parametrize(
    ("silent", "stands"),
    [
        (timedelta(0), Standing.ACTIVE),
        (QUIET_AFTER - timedelta(seconds=1), Standing.ACTIVE),
        (QUIET_AFTER, Standing.QUIET),
        (SILENT_AFTER - timedelta(seconds=1), Standing.QUIET),
        (SILENT_AFTER, Standing.SILENT),
    ],
)
def test_a_sender_is_quiet_and_silent_from_its_limits(silent: timedelta, stands: Standing) -> None:
    assert Traffic("CLINIC1", NOON - silent).standing(NOON) is stands
    assert Traffic("CLINIC1").standing(NOON) is Standing.NEVER


def test_an_order_of_which_nothing_is_shown_is_no_line() -> None:
    taken_back = result("4.1", status=ResultStatus.ENTERED_IN_ERROR, order="GONE")
    assert [order.number for order in orders_of([result("4.2", order="STAYS"), taken_back])] == ["STAYS"]
