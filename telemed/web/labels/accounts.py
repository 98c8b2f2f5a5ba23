"""Words for roles and for states of accounts."""

from __future__ import annotations

from telemed.domain.accounts import AccountState
from telemed.domain.people import Role
from telemed.web.appearance import Look

_ = str  # marks text for the translation catalogue

ROLES = {
    Role.MEMBER_STAFF.value: _("Member staff"),
    Role.SPECIALIST.value: _("Specialist"),
    Role.REVIEWER.value: _("Reviewer"),
    Role.OPERATOR.value: _("Network operator"),
    Role.SYSTEM_ADMINISTRATOR.value: _("System administrator"),
    Role.SECURITY_ADMINISTRATOR.value: _("Security administrator"),
    Role.AUDITOR.value: _("Auditor"),
}

STATES = {
    AccountState.OPEN.value: Look("done", "check", _("open")),
    AccountState.INVITED.value: Look("waiting", "send", _("invited")),
    AccountState.UNINVITED.value: Look("near", "alert-triangle", _("not invited")),
    AccountState.LOCKED.value: Look("critical", "lock", _("locked")),
    AccountState.DISABLED.value: Look("quiet", "ban", _("switched off")),
}
