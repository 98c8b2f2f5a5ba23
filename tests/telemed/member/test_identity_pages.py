"""A file of another person on the pages: both identities side by side, the two ways to settle it, a mark in the lists."""

from __future__ import annotations

import html
import re

import ecg
from ecg.synthesis import resting
from tests.demo_region import DemoRegion, new_case
from tests.telemed.api.stories import Story, done
from tests.telemed.api.test_identity import OTHER, SAME, image, listed, written

ENGLISH = {"Accept-Language": "en", "Accept": "text/html"}


async def page(story: Story, path: str, user: str) -> str:
    answer = await story.region.call("GET", path, user=user, headers=ENGLISH)
    assert answer.status == 200, path
    return html.unescape(answer.body.decode())


def banner(said: str) -> str:
    found = re.search(r'<section class="identity.*?</section>', said, re.DOTALL)
    return found[0] if found else ""


async def mistaken(region: DemoRegion) -> tuple[Story, str]:
    story = await written(region)
    await story.attach(image(**OTHER))
    return story, (await listed(story))[0]["id"]


async def test_both_identities_stand_side_by_side_with_the_two_ways_to_settle_it(region: DemoRegion) -> None:
    story, evidence = await mistaken(region)
    for path, user in (
        (f"/read/{story.case_id}", "imaging.huba"),
        (f"/read/{story.case_id}/parts", "imaging.huba"),
        (f"/cases/{story.case_id}", "clinic1"),
    ):
        shown = banner(await page(story, path, user))
        assert "identity-open" in shown, path
        for text in ("张伟", "1961-03-05", "完全 别人", "20010101", "Male", "Female"):
            assert text in shown, (path, text)
        assert shown.count(">differs<") == 3
        for sheet, key in ((f"same-{evidence}", "Alt+s"), (f"other-{evidence}", "Alt+o")):
            assert f'data-sheet="{sheet}" data-key="{key}"' in shown
            assert f'<dialog class="sheet" id="{sheet}"' in shown
        assert shown.count(f'data-post="/api/v1/cases/{story.case_id}/evidence/{evidence}/identity"') == 2


async def test_lists_say_it_in_words(region: DemoRegion) -> None:
    story, evidence = await mistaken(region)
    other = await written(region)
    await other.attach(image(**SAME))

    def row(said: str, case_id: str) -> str:
        found = re.search(f'<tr id="case-{case_id}".*?</tr>', said, re.DOTALL)
        assert found
        return found[0]

    for path, user in (("/worklist?view=mine", "imaging.huba"), ("/cases?view=running", "clinic1")):
        said = await page(story, path, user)
        assert "Other patient?" in row(said, story.case_id)
        assert "Other patient?" not in row(said, other.case_id)
    await story.step("imaging.huba", f"evidence/{evidence}/identity", {"same_person": True, "reason": "x"})
    assert "Other patient?" not in row(await page(story, "/worklist?view=mine", "imaging.huba"), story.case_id)


async def test_who_settled_it_and_why_stays_on_the_page(region: DemoRegion) -> None:
    story, evidence = await mistaken(region)
    await story.step("imaging.huba", f"evidence/{evidence}/identity", {"same_person": True, "reason": "电话核对过"})
    said = await page(story, f"/read/{story.case_id}", "imaging.huba")
    assert "identity-open" not in said
    assert "电话核对过" in banner(said)
    assert f"same-{evidence}" not in said
    assert "Confirmed: the file is of the same person" in await page(story, f"/cases/{story.case_id}", "clinic1")


async def test_the_operator_sees_that_and_not_whom(region: DemoRegion) -> None:
    story, _ = await mistaken(region)
    said = await page(story, f"/cases/{story.case_id}", "operator")
    assert banner(said) == ""
    assert "别人" not in said
    assert "20010101" not in said


async def test_a_study_of_another_patient_is_labelled_wrongly(region: DemoRegion) -> None:
    story, evidence = await mistaken(region)
    study = (await listed(story))[0]["study_instance_uid"]
    assert (await region.call("POST", f"/dicomweb/studies/{study}/complete", user="clinic1")).status in (200, 202, 204)
    await region.work()

    async def labelling() -> str:
        said = await page(story, f"/read/{story.case_id}", "imaging.huba")
        found = re.search(r"Labelling <b>(\d+)</b>", said)
        assert found
        return found[1]

    assert await labelling() == "0"
    await story.step("imaging.huba", f"evidence/{evidence}/identity", {"same_person": True, "reason": "x"})
    assert int(await labelling()) > 0


async def test_the_pages_image_is_not_given_the_cases_name(region: DemoRegion) -> None:
    story, _ = await mistaken(region)
    for path in (f"/read/{story.case_id}", f"/read/{story.case_id}/images"):
        viewer = re.search(r"<div class=\"viewer.*?</div>", await page(story, path, "imaging.huba"), re.DOTALL)
        assert viewer
        assert "张伟" not in viewer[0]


async def test_a_file_that_was_taken_away_waits_on_the_operators_page(region: DemoRegion) -> None:
    story = Story(region, await new_case(region, "ecg"))
    kept = await story.attach(ecg.write(resting("sinus", seed=3, patient=ecg.Patient(name="Peter Karlsson")).recording, None, "aecg"))
    await region.work()
    (item,) = await listed(story, "clinic1")
    assert item["identity"]["differs"] == ["name"]
    await story.step("clinic1", f"evidence/{kept['id']}/identity", {"same_person": False, "reason": "不是本人"})
    where = f"/api/v1/unmatched/files/{kept['id']}/give"
    said = await page(story, "/unmatched", "operator")
    assert f'data-step="{where}"' in said
    assert "不是本人" not in said
    files = (await done(await region.call("GET", "/api/v1/unmatched/files", user="operator")))["items"]
    assert kept["id"] in {each["id"] for each in files}
    other = Story(region, await new_case(region, "ecg", name="Karlsson Peter"))
    number = (await region.call("GET", other.url, user="clinic1")).body["accession_number"]
    await done(await region.call("POST", where, {"accession_number": number, "reason": "核对"}, user="operator"))
    assert where not in await page(story, "/unmatched", "operator")
    assert [each["sha256"] for each in await listed(other, "clinic1")] == [kept["sha256"]]
