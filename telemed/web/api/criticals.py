"""The critical value loop."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.service import criticals
from telemed.service.case_view import view_case
from telemed.service.execution import execute, query
from telemed.web.api.cases import CASE
from telemed.web.api.inputs import ActionTaken, CriticalFinding, Nothing, Told, WithReason
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import CriticalListShape, CriticalShape, critical_shape

VALUE = CASE + "/criticals/{value_id}"
ERRORS = (403, 404, 409, 422)


@operation("GET", CASE + "/criticals", returns=CriticalListShape, errors=(404,))
async def listing(call: Call[Nothing]) -> web.Response:
    """Critical values of a case, oldest first."""
    view = await query(call.application, view_case, call.person, call.case_id)
    return answer(CriticalListShape(items=[critical_shape(value) for value in view.criticals if view.whole]))


@operation(
    "POST", CASE + "/criticals", body=CriticalFinding, returns=CriticalShape, status=201, errors=ERRORS, right=CaseAction.DECLARE_CRITICAL
)
async def declare(call: Call[CriticalFinding]) -> web.Response:
    """Declare a critical finding: the countdown starts."""
    value = await execute(call.application, criticals.declare_critical, call.person, call.case_id, call.body.finding)
    return answer(critical_shape(value), 201)


@operation("POST", VALUE + "/tell", body=Told, returns=CriticalShape, errors=ERRORS, right=Action.CRITICAL_TELL)
async def tell(call: Call[Told]) -> web.Response:
    """A named clinician was told and read it back."""
    body = call.body
    arguments = (call.case_id, call.path("value_id"), body.whom, body.how, body.read_back)
    return answer(critical_shape(await execute(call.application, criticals.notify_critical, call.person, *arguments)))


@operation("POST", VALUE + "/acknowledge", body=Nothing, returns=CriticalShape, errors=ERRORS, right=Action.CRITICAL_ACKNOWLEDGE)
async def acknowledge(call: Call[Nothing]) -> web.Response:
    """The member's clinician has it."""
    value = await execute(call.application, criticals.acknowledge_critical, call.person, call.case_id, call.path("value_id"))
    return answer(critical_shape(value))


@operation("POST", VALUE + "/act", body=ActionTaken, returns=CriticalShape, errors=ERRORS, right=Action.CRITICAL_ACT)
async def act(call: Call[ActionTaken]) -> web.Response:
    """Record what was done for the patient; this closes the loop."""
    value = await execute(call.application, criticals.act_on_critical, call.person, call.case_id, call.path("value_id"), call.body.action)
    return answer(critical_shape(value))


@operation("POST", VALUE + "/withdraw", body=WithReason, returns=CriticalShape, errors=ERRORS, right=Action.CRITICAL_DECLARE)
async def withdraw(call: Call[WithReason]) -> web.Response:
    """It was not critical after all."""
    value = await execute(call.application, criticals.withdraw_critical, call.person, call.case_id, call.path("value_id"), call.body.reason)
    return answer(critical_shape(value))
