"""A tube's whole way over HTTP: label, box, two-sided handover, temperature, receipt, reconciliation, rejection."""

from __future__ import annotations

from tests.demo_region import DemoRegion
from tests.telemed.specimens.way import LOG, attach, came, packed, said, tubes


async def test_from_the_label_to_the_reconciled_box(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA", "SST")
    assert len(set(numbers)) == 2
    box = await packed(region, numbers)
    way = f"/lab/boxes/{box}"
    handover = {"courier": "李师傅", "seal": "S-1"}
    await said(region, "POST", f"{way}/hand-over", handover, status=409)
    await said(region, "POST", f"{way}/specimens", {"number": numbers[0]}, status=409)
    await said(region, "POST", f"{way}/specimens", {"number": "NO-SUCH-1"}, status=404)
    await said(region, "POST", f"{way}/ready", {})
    await said(region, "POST", f"{way}/hand-over", handover)
    assert (await said(region, "GET", way))["status"] == "sent"
    await said(region, "POST", f"{way}/take-over", handover)
    assert (await said(region, "GET", way))["status"] == "in-transit"
    await said(region, "POST", f"/lab/specimens/{numbers[0]}/reject", {"reason": "RH"}, status=409)
    attached = await attach(region, box, LOG)
    assert attached.status == 201
    assert [alarm["highest"] for alarm in attached.body["alarms"]] == [9.0]
    await came(region, box, numbers[0], user="lab.hubb", status=404)
    await came(region, box, numbers[0])
    assert (await said(region, "GET", way, user="lab.huba"))["status"] == "partially-received"
    await said(region, "POST", f"{way}/reconcile", {}, user="lab.huba", status=409)
    await came(region, box, numbers[1], "missing")
    _, stray = await tubes(region, "EDTA")
    await came(region, box, stray[0], "leaked")
    await said(region, "POST", f"{way}/reconcile", {}, user="lab.huba")
    seen = await said(region, "GET", way)
    arrived = {each["number"]: (each["condition"], each["unexpected"]) for each in seen["specimens"]}
    assert seen["status"] == "reconciled"
    assert arrived == {numbers[0]: ("good", False), numbers[1]: ("missing", False), stray[0]: ("leaked", True)}
    await said(region, "POST", f"/lab/specimens/{numbers[0]}/reject", {"reason": "so so"}, user="lab.huba", status=422)
    await said(region, "POST", f"/lab/specimens/{numbers[0]}/reject", {"reason": "RH"}, user="lab.huba")
    rejected = await said(region, "GET", f"/lab/specimens/{numbers[0]}")
    assert (rejected["status"], rejected["reason"]) == ("rejected", "RH")
