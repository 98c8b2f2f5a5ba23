"""Who reaches what: every operation of the API, DICOMweb and the pages, for every role and relation to a case.

The tables are written by hand and name every operation: one that is added without a line here fails the test.
"""

from __future__ import annotations

import re

import aiohttp
import pytest

from telemed.web.pages.page import page
from tests.demo_region import Answer, DemoRegion
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.operations import OPERATIONS
from tests.telemed.api.stories import PDF, Story, asked_further_up, drafted, file_form, reported
from tests.telemed.harness import PASSWORD, SECTIONS

# The case belongs to CLINIC1; HUBA asked MAIN and keeps it open; imaging.main holds it.
MEMBER, HOLDER, REVIEWER, KEEPER, OPERATOR = "clinic1", "imaging.main", "imaging2.main", "imaging.huba", "operator"
STRANGERS = ("clinic2", "clinic3", "imaging.hubb", "ecg.huba", "ecg.main", "sysadmin", "secadmin", "auditor")
EVERYBODY = (MEMBER, HOLDER, REVIEWER, KEEPER, OPERATOR, *STRANGERS)

# y: may (what the state says is another matter), f: 403, sees the case and may not, n: 404, is told that there is none.
ON_A_CASE = """
                                              member holder reviewer keeper operator
GET    ''                                     y      y      y        y      y
PATCH  ''                                     y      f      f        f      f
POST   /submit                                y      f      f        f      f
POST   /cancel                                y      f      f        f      f
POST   /acknowledge                           y      f      f        f      f
POST   /consent                               y      f      f        f      f
POST   /claim                                 f      y      f        n      f
POST   /release                               f      y      f        n      f
POST   /park                                  f      y      f        n      f
POST   /resume                                f      y      f        n      f
POST   /decline                               f      y      f        n      f
POST   /return                                f      y      f        n      f
POST   /escalate                              f      y      f        n      f
POST   /reassign                              f      y      y        n      f
POST   /offer                                 f      f      f        f      y
GET    /events                                y      y      y        y      y
GET    /criticals                             y      y      y        y      y
POST   /criticals                             f      y      y        y      f
POST   /criticals/{value_id}/tell             f      y      y        y      f
POST   /criticals/{value_id}/acknowledge      y      f      f        f      f
POST   /criticals/{value_id}/act              y      f      f        f      f
POST   /criticals/{value_id}/withdraw         f      y      y        y      f
POST   /files                                 y      y      f        n      f
GET    /evidence                              y      y      y        y      y
GET    /evidence/{evidence_id}                y      y      y        y      f
POST   /evidence/{evidence_id}/identity       y      y      f        n      f
GET    /evidence/{evidence_id}/content        y      y      y        y      f
GET    /evidence/{evidence_id}/deidentified.zip y    y      y        y      f
POST   /evidence/{evidence_id}/send           y      y      y        y      f
POST   /priors/fetch                          y      y      y        n      f
GET    /transfers                             y      y      y        y      f
GET    /lab-results                           y      y      y        y      f
GET    /tracings                              y      y      y        y      f
GET    /tracings/{tracing_id}                 y      y      y        y      f
GET    /tracings/{tracing_id}/samples         y      y      y        y      f
GET    /tracings/{tracing_id}/beats           y      y      y        y      f
GET    /tracings/{tracing_id}/edits           y      y      y        y      f
POST   /tracings/{tracing_id}/edits           f      y      f        n      f
POST   /tracings/{tracing_id}/edits/undo      f      y      f        n      f
GET    /evidence/{evidence_id}/pages          y      y      y        y      f
GET    /evidence/{evidence_id}/pages/{number} y      y      y        y      f
GET    /report                                n      y      y        n      f
PUT    /report                                f      y      f        n      f
GET    /report/contradictions                 f      y      y        n      f
POST   /report/sign                           f      y      f        n      f
POST   /report/review                         f      f      y        f      f
POST   /report/send-back                      f      f      y        f      f
POST   /report/amend                          f      y      f        n      f
POST   /report/append                         f      y      f        n      f
POST   /report/discard                        f      y      f        n      f
GET    /report.pdf                            n      n      n        n      f
GET    /specimens                             y      y      y        y      f
POST   /specimens                             y      f      f        f      f
"""

ONCE_RELEASED = """
                                              member holder reviewer keeper operator
GET    /report                                y      y      y        y      f
GET    /report.pdf                            y      y      y        y      f
"""

# Operations that concern no one case: who is not named gets 403.
ELSEWHERE = """
GET    /me                       everybody
GET    /me/sessions              everybody
DELETE /me/sessions              everybody
DELETE /me/sessions/{session}    everybody
PUT    /me/password              everybody
GET    /me/factors               everybody
POST   /me/totp                  everybody
POST   /me/totp/confirm          everybody
POST   /me/totp/remove           everybody
POST   /me/passkeys/options      everybody
POST   /me/passkeys              everybody
POST   /me/passkeys/{passkey}/remove everybody
POST   /me/recovery-codes        everybody
GET    /recoveries               secadmin sysadmin
POST   /recoveries               secadmin
POST   /recoveries/{recovery}/confirm sysadmin
GET    /retention                sysadmin secadmin operator
GET    /retention/due            sysadmin secadmin operator
POST   /retention/erasures       sysadmin
GET    /retention/erasures/{erasure} sysadmin secadmin operator
POST   /retention/erasures/{erasure}/confirm secadmin
POST   /retention/erasures/{erasure}/withdraw sysadmin
POST   /retention/erasures/{erasure}/decline secadmin
POST   /retention/holds          operator
POST   /retention/holds/{hold}/lift operator
GET    /events                   everybody
POST   /logout                   everybody
GET    /views                    everybody
POST   /views                    members hubs
DELETE /views/{name}             everybody
POST   /cases                    members
GET    /cases                    members hubs operator
GET    /network                  operator sysadmin
POST   /network/route            operator sysadmin
GET    /devices                  operator
POST   /devices                  operator
PUT    /devices/{title}          operator
DELETE /devices/{title}          operator
POST   /devices/{title}/enable   operator
POST   /devices/{title}/disable  operator
POST   /devices/{title}/test     operator
GET    /institutions             operator sysadmin
POST   /institutions             operator sysadmin
GET    /institutions/{code}      operator sysadmin
PUT    /institutions/{code}      operator sysadmin
POST   /institutions/{code}/enable  operator sysadmin
POST   /institutions/{code}/disable operator sysadmin
GET    /hubs                     operator sysadmin
GET    /hubs/{hub}/{centre}      operator sysadmin
PUT    /hubs/{hub}/{centre}      operator sysadmin
GET    /holidays                 operator sysadmin
POST   /holidays                 operator sysadmin
DELETE /holidays/{date}          operator sysadmin
GET    /region                   operator sysadmin
PUT    /region                   operator sysadmin
POST   /patients/find            members
GET    /patients/doubts          members operator
POST   /patients/merge           members operator
POST   /patients/compare         members operator
POST   /patients/different       members operator
POST   /patients/split           members operator
GET    /unmatched                operator
POST   /unmatched/link           operator
POST   /unmatched/unlink         operator
POST   /unmatched/correct        operator
GET    /unmatched/files          operator
POST   /unmatched/files/{file_id}/give operator
POST   /unmatched/restore        operator
POST   /unmatched/find           operator
GET    /reconciliations          operator
GET    /statistics/monthly       members hubs operator
GET    /studies/{study}/series/{series}/instances/{instance}/pages members hubs
GET    /studies/{study}/series/{series}/instances/{instance}/pages/{number} members hubs
POST   /lab/messages/{message_id}/open members operator
GET    /audit                    auditor
GET    /accounts                 secadmin
POST   /accounts                 secadmin
POST   /accounts/import          secadmin
POST   /accounts/import/preview  secadmin
GET    /accounts/{username}      secadmin
PUT    /accounts/{username}      secadmin
POST   /accounts/{username}/invite secadmin
POST   /accounts/{username}/reset secadmin
POST   /accounts/{username}/disable secadmin
POST   /accounts/{username}/enable secadmin
POST   /accounts/{username}/unlock secadmin
GET    /accounts/{username}/sessions secadmin
DELETE /accounts/{username}/sessions secadmin
DELETE /accounts/{username}/sessions/{session} secadmin
GET    /accounts/{username}/leave secadmin
POST   /accounts/{username}/leave secadmin
POST   /jobs/{job}/retry         sysadmin
GET    /lab/messages             members operator
GET    /lab/messages/{message_id}/raw members operator
POST   /lab/messages/{message_id}/replay operator
GET    /lab/results              members hubs
GET    /lab/results/{result_id}/versions members hubs
GET    /lab/mappings             operator
POST   /lab/mappings             operator
GET    /lab/connections          operator
POST   /lab/connections          operator
POST   /lab/connections/{connection_id}/pause operator
POST   /lab/connections/{connection_id}/resume operator
GET    /lab/connections/{connection_id}/deliveries operator
POST   /lab/deliveries/{delivery_id}/send operator
GET    /lab/sheets/columns       members
PUT    /lab/sheets/columns       members
POST   /lab/sheets/preview       members
POST   /lab/sheets               members
OPTIONS /uploads                 everybody
POST   /uploads                  everybody
HEAD   /uploads/{upload_id}      everybody
PATCH  /uploads/{upload_id}      everybody
DELETE /uploads/{upload_id}      everybody
POST   /uploads/{upload_id}      everybody
GET    /lab/containers           everybody
GET    /lab/labels.pdf           members hubs
GET    /lab/specimens/{number}   members hubs
GET    /lab/specimens/{number}/label.pdf members hubs
GET    /lab/specimens/{number}/label.zpl members hubs
POST   /lab/specimens/{number}/collect members
POST   /lab/specimens/{number}/void members
POST   /lab/specimens/{number}/reject members specialists
POST   /lab/specimens/{number}/identity members specialists
GET    /lab/waiting              members operator
GET    /lab/waiting/{stage}      members operator
GET    /lab/turnaround           members operator
GET    /lab/boxes                members operator
POST   /lab/boxes                members
GET    /lab/boxes/{box_id}       members hubs
POST   /lab/boxes/{box_id}/specimens members
DELETE /lab/boxes/{box_id}/specimens/{number} members
POST   /lab/boxes/{box_id}/specimens/{number} specialists
POST   /lab/boxes/{box_id}/specimens/{number}/take-back specialists
POST   /lab/boxes/{box_id}/ready members
POST   /lab/boxes/{box_id}/reopen members
POST   /lab/boxes/{box_id}/send  members
POST   /lab/boxes/{box_id}/hand-over members
POST   /lab/boxes/{box_id}/take-over members specialists
POST   /lab/boxes/{box_id}/reconcile specialists
POST   /lab/boxes/{box_id}/cancel members
POST   /lab/boxes/{box_id}/lose  members specialists
GET    /lab/boxes/{box_id}/manifest.pdf members hubs
GET    /lab/boxes/{box_id}/manifest.hl7 members hubs
POST   /lab/boxes/{box_id}/temperature members specialists
GET    /lab/boxes/{box_id}/temperature members hubs
POST   /lab/boxes/{box_id}/readings members specialists
GET    /lab/boxes/{box_id}/temperature.svg members hubs
GET    /lab/boxes/{box_id}/temperature/{log_id} members hubs
POST   /lab/scans                members hubs
POST   /lab/scans/{scan_id}/undo members hubs
"""

BODIES = {
    "PATCH ": {"priority": "urgent"},
    "POST /cancel": {"reason": "x"},
    "POST /consent": {"giver": "patient", "signed_name": "张伟"},
    "POST /decline": {"reason": "x"},
    "POST /return": {"reason": "x"},
    "POST /escalate": {"reason": "x"},
    "POST /reassign": {"reader": "imaging.main", "reason": "x"},
    "POST /offer": {"hub": "HUBB", "reason": "x"},
    "POST /criticals": {"finding": "x"},
    "POST /criticals/{value_id}/tell": {"whom": "陶小满", "how": "电话", "read_back": True},
    "POST /criticals/{value_id}/act": {"action": "x"},
    "POST /criticals/{value_id}/withdraw": {"reason": "x"},
    "POST /tracings/{tracing_id}/edits": {"kind": "strip", "detail": {"begin": 0}},
    "POST /evidence/{evidence_id}/identity": {"same_person": True, "reason": "x"},
    "POST /evidence/{evidence_id}/send": {"device": "NONE"},
    "PUT /report": {"sections": SECTIONS["imaging"]},
    "POST /report/sign": {"password": PASSWORD},
    "POST /report/review": {"password": PASSWORD},
    "POST /report/send-back": {"note": "x"},
    "POST /report/amend": {"reason": "x"},
    "POST /report/append": {"reason": "x"},
    "PUT /me/password": {"old": PASSWORD, "new": "short"},
    "POST /me/totp": {"password": PASSWORD},
    "POST /me/totp/confirm": {"code": "000000"},
    "POST /me/totp/remove": {"password": PASSWORD},
    "POST /me/passkeys/options": {"password": PASSWORD},
    "POST /me/passkeys": {"name": "x", "credential": {"id": "x"}},
    "POST /me/passkeys/{passkey}/remove": {"password": PASSWORD},
    "POST /me/recovery-codes": {"password": PASSWORD},
    "POST /recoveries": {"username": "nobody", "reason": "x"},
    "POST /retention/erasures": {"kind": "case", "subjects": ["0" * 32], "reason": "x"},
    "POST /retention/erasures/{erasure}/withdraw": {"reason": "x"},
    "POST /retention/erasures/{erasure}/decline": {"reason": "x"},
    "POST /retention/holds": {"kind": "case", "member": "CLINIC1", "number": "NONE", "reason": "x"},
    "POST /retention/holds/{hold}/lift": {"reason": "x"},
    "POST /views": {"name": "x", "query": ""},
    "POST /cases": {"centre": "ecg", "patient": {"name": "张伟"}},
    "POST /network/route": {"centre": "ecg", "member": "CLINIC1"},
    "POST /devices": {"title": "CT9", "institution": "CLINIC1"},
    "PUT /devices/{title}": {"institution": "CLINIC1"},
    "POST /accounts": {"username": "door.li", "name": "李门", "institution": "CLINIC1", "roles": ["member-staff"]},
    "PUT /accounts/{username}": {"name": "李门", "institution": "CLINIC1", "roles": ["member-staff"]},
    "POST /institutions": {"code": "CLINIC9", "name": "x", "level": "guest"},
    "PUT /institutions/{code}": {"name": "x", "level": "member"},
    "POST /holidays": {"date": "2027-01-01", "duty": "none"},
    "POST /patients/find": {"number": "P1"},
    "POST /patients/merge": {"kept": "0" * 32, "joined": "1" * 32, "reason": "x"},
    "POST /patients/compare": {"first": "0" * 32, "second": "1" * 32},
    "POST /patients/different": {"first": "0" * 32, "second": "1" * 32, "reason": "x"},
    "POST /patients/split": {"patient": "0" * 32, "reason": "x"},
    "POST /unmatched/correct": {"owner": "CLINIC1", "study_instance_uid": "1.2", "patient_number": "P1", "reason": "x"},
    "POST /unmatched/restore": {"owner": "CLINIC1", "study_instance_uid": "1.2", "reason": "x"},
    "POST /unmatched/files/{file_id}/give": {"accession_number": "X", "reason": "x"},
    "POST /unmatched/find": {"numbers": ["P1"]},
    "POST /lab/mappings": {"member": "CLINIC1", "code": "NONE", "item": "2823-3"},
    "POST /lab/connections": {"member": "CLINIC3", "address": "10.2.0.9:2575", "sends": ["ORU^R01"]},
    "POST /lab/messages/{message_id}/open": {"reason": "x"},
    "POST /specimens": {"containers": [{"kind": "EDTA"}]},
    "POST /lab/specimens/{number}/reject": {"reason": "RH"},
    "POST /lab/specimens/{number}/identity": {"same_person": True, "reason": "x"},
    "POST /lab/boxes": {"to": "HUBA", "temperature": "2-8"},
    "POST /lab/boxes/{box_id}/specimens": {"number": "1"},
    "POST /lab/boxes/{box_id}/specimens/{number}": {"condition": "good"},
    "POST /lab/boxes/{box_id}/hand-over": {"courier": "x"},
    "POST /lab/boxes/{box_id}/take-over": {"courier": "x"},
    "POST /lab/boxes/{box_id}/readings": {"logger": "x", "readings": [{"at": "2026-11-18T08:00:00Z", "celsius": 4}]},
    "POST /lab/scans": {"station": "boxes", "scans": [{"id": "00000000", "code": "x"}]},
}


def case_cells(table: str) -> list[tuple[str, str, str, str]]:
    """Method, path behind the case, user, expected."""
    head, *lines = table.strip().splitlines()
    users = dict(zip(head.split(), (MEMBER, HOLDER, REVIEWER, KEEPER, OPERATOR), strict=True))
    rows = [line.split() for line in lines]
    return [(row[0], row[1].strip("'"), user, cell) for row in rows for user, cell in zip(users.values(), row[2:], strict=True)]


GROUPS = {
    "everybody": set(EVERYBODY),
    "members": {"clinic1", "clinic2", "clinic3"},
    "hubs": {HOLDER, REVIEWER, KEEPER, "imaging.hubb", "ecg.huba", "ecg.main"},
    "specialists": {HOLDER, KEEPER, "imaging.hubb", "ecg.huba", "ecg.main"},
}


def elsewhere() -> dict[str, set[str]]:
    """Method and path, and who may."""
    rows = [line.split() for line in ELSEWHERE.strip().splitlines()]
    return {f"{row[0]} {row[1]}": set().union(*(GROUPS.get(name, {name}) for name in row[2:])) for row in rows}


def test_the_tables_name_every_operation() -> None:
    """A new operation needs a line above: who may, who is refused, and who is told that there is nothing there."""
    named = {f"{method} /cases/{{case_id}}{path}" for method, path, _, _ in case_cells(ON_A_CASE)} | elsewhere().keys()
    assert {f"{row.method} {row.path}" for row in OPERATIONS.rows} == named


async def send(story: Story, method: str, path: str, user: str) -> Answer:
    """A well-formed request to an operation on the case."""
    filled = path.replace("{value_id}", story.value_id or "0" * 32).replace("{evidence_id}", story.evidence_id).replace("{number}", "1")
    filled = filled.replace("{tracing_id}", story.tracing_id)
    if path == "/files":
        return await story.region.call(method, story.url + filled, data=file_form(PDF), user=user)
    body = BODIES.get(f"{method} {path}", {} if method in ("POST", "PATCH", "PUT") else None)
    headers = {"If-Match": "*"} if method == "PUT" else {}
    return await story.region.call(method, story.url + filled, body, user=user, headers=headers)


ALLOWED = "allowed"
REFUSED = {"f": 403, "n": 404}


def verdict(answer: Answer) -> int | str:
    """Refused for want of a right, or not. Every refusal is a problem document."""
    assert answer.status < 500, answer.body
    if answer.status in (401, 403, 404):
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.body["status"] == answer.status
        return answer.status
    return ALLOWED


@pytest.fixture(scope="module")
async def waiting(region: DemoRegion) -> Story:
    """For requests that must change nothing."""
    return await asked_further_up(region)


@pytest.fixture(scope="module")
async def finished(region: DemoRegion) -> Story:
    return await reported(region)


@pytest.fixture(scope="module")
async def draft(region: DemoRegion) -> Story:
    return await drafted(region)


CELLS = case_cells(ON_A_CASE)


@pytest.mark.parametrize(("method", "path", "user", "expected"), [cell for cell in CELLS if cell[3] != "y"])
async def test_who_may_not_is_refused(waiting: Story, method: str, path: str, user: str, expected: str) -> None:
    assert verdict(await send(waiting, method, path, user)) == REFUSED[expected]


@pytest.mark.parametrize(("method", "path", "user"), [cell[:3] for cell in CELLS if cell[3] == "y"])
async def test_who_may_is_not(region: DemoRegion, waiting: Story, method: str, path: str, user: str) -> None:
    story = waiting if method == "GET" else await asked_further_up(region)
    assert verdict(await send(story, method, path, user)) == ALLOWED


@pytest.mark.parametrize(("method", "path"), list(dict.fromkeys(cell[:2] for cell in CELLS)))
async def test_strangers_are_told_that_there_is_nothing(waiting: Story, finished: Story, method: str, path: str) -> None:
    for story in (waiting, finished):
        for stranger in STRANGERS:
            assert verdict(await send(story, method, path, stranger)) == 404, stranger
        assert verdict(await send(story, method, path, "")) == 401


@pytest.mark.parametrize(("method", "path"), list(dict.fromkeys(cell[:2] for cell in CELLS)))
async def test_a_draft_is_the_members_alone(draft: Story, method: str, path: str) -> None:
    for user in (HOLDER, REVIEWER, KEEPER, *STRANGERS):
        assert verdict(await send(draft, method, path, user)) == 404, user


@pytest.mark.parametrize(("method", "path", "user", "expected"), case_cells(ONCE_RELEASED))
async def test_a_released_report_reaches_who_asked_and_who_answered(
    finished: Story, method: str, path: str, user: str, expected: str
) -> None:
    assert verdict(await send(finished, method, path, user)) == (ALLOWED if expected == "y" else REFUSED[expected])


async def test_what_was_refused_changed_nothing(region: DemoRegion) -> None:
    """Everybody tries everything they may not do; the case is as it was."""
    story = await asked_further_up(region)
    before = (await region.call("GET", story.url, user=MEMBER)).body
    for method, path, user, expected in CELLS:
        if expected != "y":
            await send(story, method, path, user)
    assert (await region.call("GET", story.url, user=MEMBER)).body == before


@pytest.mark.parametrize("name", [name for name in elsewhere() if name != "GET /events"])  # a stream without an end
async def test_operations_that_concern_no_one_case(region: DemoRegion, waiting: Story, name: str) -> None:
    method, path = name.split()
    holes = {
        "name": "none",
        "username": "nobody",
        "job": "999999",
        "upload_id": "0" * 32,
        "title": "NONE",
        "session": "0" * 64,
        "file_id": "0" * 32,
        "study": "1.2",
        "series": "1.2.1",
        "instance": "1.2.1.1",
        "number": "1",
        "passkey": "none",
        "recovery": "0" * 32,
        "code": "NONE",
        "hub": "NONE",
        "centre": "none",
        "date": "2027-01-01",
        "erasure": "0" * 32,
        "hold": "0" * 32,
        "message_id": "0" * 32,
        "result_id": "0" * 32,
        "connection_id": "0" * 32,
        "delivery_id": "0" * 32,
        "box_id": "B0",
        "log_id": "0" * 32,
        "stage": "in-transit",
        "scan_id": "00000000",
    }
    filled = "/api/v1" + path.format_map(holes)
    body = BODIES.get(name, {} if method in ("POST", "PATCH") else None)
    if path in ("/statistics/monthly", "/lab/turnaround"):
        filled += "?month=2026-10"
    if path == "/retention/due":
        filled += "?kind=case"
    if path == "/lab/results":
        filled += "?member=CLINIC1&patient=NONE"
    if path == "/lab/labels.pdf":
        filled += "?numbers=1"
    if path == "/unmatched/link":
        body = {"owner": "CLINIC1", "study_instance_uid": waiting.study_uid, "case_id": waiting.case_id}
    if path == "/unmatched/unlink":
        body = {"owner": "CLINIC1", "study_instance_uid": "1.2", "case_id": waiting.case_id, "reason": "x"}
    on_a_case = path in ("/unmatched/link", "/unmatched/unlink")
    for user in sorted(EVERYBODY):
        answer = await region.call(method, filled, body, user=user)
        if path == "/logout":
            del region.tokens[user]
        assert answer.status < 500, answer.body
        refusals = (403, 404) if on_a_case and user != OPERATOR else (403,)  # a stranger to the case is not told that it is there
        assert (answer.status in refusals) is (user not in elsewhere()[name]), (user, answer.status)
    assert (await region.call(method, filled, body)).status == 401


# DICOMweb: who finds a study, who fetches it, who may send one.
class TestDicomWeb:
    async def search(self, story: Story, user: str) -> tuple[int, int]:
        answer = await story.region.call("GET", f"/dicomweb/studies?StudyInstanceUID={story.study_uid}", user=user)
        return answer.status, len(answer.body) if answer.body else 0

    @pytest.mark.parametrize("user", [MEMBER, HOLDER, REVIEWER, KEEPER, OPERATOR])
    async def test_who_knows_of_the_case_finds_its_study(self, waiting: Story, user: str) -> None:
        assert await self.search(waiting, user) == (200, 1)

    @pytest.mark.parametrize("user", ["clinic2", "clinic3", "imaging.hubb", "ecg.huba", "ecg.main"])
    async def test_nobody_else_does(self, waiting: Story, user: str) -> None:
        status, found = await self.search(waiting, user)
        assert status in (200, 204)
        assert found == 0

    @pytest.mark.parametrize("user", [HOLDER, KEEPER, REVIEWER])
    async def test_the_study_of_a_draft_is_the_members_alone(self, draft: Story, user: str) -> None:
        assert (await self.search(draft, user))[1] == 0
        assert (await self.search(draft, MEMBER))[1] == 1

    @pytest.mark.parametrize(
        ("user", "status"),
        [(MEMBER, 200), (HOLDER, 200), (REVIEWER, 200), (KEEPER, 200), (OPERATOR, 403), ("clinic2", 404), ("imaging.hubb", 404),
         ("ecg.huba", 404), ("auditor", 403), ("sysadmin", 403), ("secadmin", 403), ("", 401)],
    )  # fmt: skip
    async def test_fetching(self, waiting: Story, user: str, status: int) -> None:
        url = f"/dicomweb/studies/{waiting.study_uid}"
        headers = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
        assert (await waiting.region.call("GET", url, user=user, headers=headers)).status == status
        assert (await waiting.region.call("GET", url + "/metadata", user=user)).status == status

    @pytest.mark.parametrize(
        ("user", "status"), [(MEMBER, 200), (HOLDER, 403), (REVIEWER, 403), (OPERATOR, 403), ("auditor", 403), ("", 401)]
    )
    async def test_sending(self, region: DemoRegion, user: str, status: int) -> None:
        with aiohttp.MultipartWriter("related") as parts:
            parts.append(part10_of(ct_slice()), {"Content-Type": "application/dicom"})
        headers = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={parts.boundary}'}
        answer = await region.call("POST", "/dicomweb/studies", data=parts, user=user, headers=headers)
        assert answer.status == status

    async def test_who_looked_and_who_was_refused_is_on_record_once(self, region: DemoRegion) -> None:
        story = await asked_further_up(region)
        url = f"/dicomweb/studies/{story.study_uid}/metadata"
        for user in (HOLDER, HOLDER, "imaging.hubb", "imaging.hubb"):
            await region.call("GET", url, user=user)
        found = await region.call("GET", f"/api/v1/audit?subject=study/{story.study_uid}", user="auditor")
        lines = [(line["action"], line["actor"], line["outcome"]) for line in reversed(found.body["items"])]
        assert lines == [("evidence:read", HOLDER, "success"), ("access:retrieve-study", "imaging.hubb", "refused")]


NAMED_PART = re.compile(r"{(\w+)(?::(?:[^{}]|{[^{}]*})*)?}")
"""A part of a route's path, whether it carries a pattern or not."""


class TestPages:
    """As a browser asks: the session in a cookie, answers as pages."""

    async def visit(self, story: Story, path: str, user: str) -> tuple[int, str]:
        headers = {"Accept": "text/html"}
        if user:
            headers["Cookie"] = f"telemed_session={await story.region.token(user)}"
        answer = await story.region.call("GET", path, headers=headers)
        return answer.status, answer.headers.get("Location", "")

    def addresses(self, story: Story) -> list[str]:
        names = {"case_id": story.case_id, "prior_id": story.case_id, "code": "0" * 12, "centre": "imaging"}
        return [NAMED_PART.sub(lambda part: names.get(part[1], "0" * 32), path) for method, path, _ in page.rows if method == "GET"]

    async def test_who_is_not_signed_in_is_sent_to_sign_in(self, waiting: Story) -> None:
        for path in self.addresses(waiting):
            status, location = await self.visit(waiting, path, "")
            assert status == 303, path
            assert location.startswith("/login"), path

    @pytest.mark.parametrize("user", EVERYBODY)
    async def test_no_page_breaks_and_no_case_is_shown_to_a_stranger(self, waiting: Story, user: str) -> None:
        for path in self.addresses(waiting):
            status, _ = await self.visit(waiting, path, user)
            assert status < 500, path
            if waiting.case_id in path and user in STRANGERS:
                assert status == 404, path
