"""Who may: every operation of the API, for every role and relation to a case, written by hand."""

from __future__ import annotations

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


CELLS = case_cells(ON_A_CASE)
REFUSED = {"f": 403, "n": 404}

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
