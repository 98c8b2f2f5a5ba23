"""As a new administrator goes by docs/running.md: an empty folder, a region, ten people with second factors, a CT over TLS, a report that is
told and received, a backup, and everything back after the folder was lost."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import re
import shutil
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import time_machine
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_pem_x509_certificate
from playwright.async_api import Browser, Page, expect
from pydicom import dcmread

from dicom_gateway.dimse.association_socket import RequestingEntity
from telemed.domain.second_factor import TOTP_STEP, totp
from telemed.setup_command import example_file
from tests.browser.conftest import PATIENCE
from tests.browser.soundness import opened
from tests.browser.test_journey import FINDINGS, PATIENT, as_the_scanner_sends
from tests.browser.test_reading import READY, keep_picture, shown
from tests.dicom_gateway.certificates import Authority, client_context
from tests.installation import Installation

ADMINISTRATORS = ("sysadmin", "secadmin", "auditor", "operator")
PEOPLE = """用户名,姓名,机构,角色,中心
zhou.min,周敏,CITY,诊断医生,影像
wu.gang,吴刚,CITY,审核医生,影像
zheng.yue,郑悦,CITY,诊断医生,心电
feng.lei,冯磊,COUNTY,诊断医生,影像
chen.jing,陈静,COUNTY,诊断医生,影像
chu.hui,褚慧,COUNTY,诊断医生,心电
tao.man,陶小满,CLINIC1,成员机构人员,
jiang.bo,蒋波,CLINIC1,成员机构人员,
shen.na,沈娜,CLINIC2,成员机构人员,
han.ping,韩平,CLINIC3,成员机构人员,
"""
"""Ten people of two hubs and three members, as a list that is taken over."""

TOLD = "急性颅内出血"


def shown_code(secret: str) -> str:
    """What the app on the telephone shows by the machine's clock, which the processes go by; the clock of the tests goes on as it was."""
    text = secret.replace("-", "")
    return totp(base64.b32decode(text + "=" * (-len(text) % 8)), int(time_machine.escape_hatch.time.time()) // TOTP_STEP)


def own_words(username: str) -> str:
    """The password that somebody chooses."""
    return f"晨光-{username[::-1]}-Qz7!"


@dataclass
class Browsers:
    """One for each person, each without a history."""

    browser: Browser
    home: str
    pages: dict[str, Page] = field(default_factory=dict)

    async def of(self, username: str) -> Page:
        if username not in self.pages:
            context = await self.browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", base_url=self.home)
            context.set_default_timeout(PATIENCE)
            self.pages[username] = await context.new_page()
        return self.pages[username]

    async def sign_in(self, username: str, password: str) -> Page:
        page = await self.of(username)
        await page.goto("/login")
        await page.fill("#username", username)
        await page.fill("#password", password)
        await page.keyboard.press("Enter")
        return page

    async def first_password(self, username: str, given: str) -> Page:
        """What `telemed setup` made is changed before anything else is open."""
        page = await self.sign_in(username, given)
        await page.wait_for_url("**/me/security**")
        await page.wait_for_selector("html[data-ready]")
        for name, words in (("old", given), ("new", own_words(username)), ("again", own_words(username))):
            await page.fill(f"[name={name}]", words)
        await page.keyboard.press("Control+Enter")
        return page

    async def take_up(self, username: str, address: str) -> Page:
        """Somebody who was invited chooses a password and signs in."""
        page = await self.of(username)
        await page.goto(address)
        await page.get_by_label("新密码").fill(own_words(username))
        await page.get_by_label("再输一次").fill(own_words(username))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("密码已设置")
        return await self.sign_in(username, own_words(username))

    async def add_factor(self, username: str) -> str:
        """The app on the telephone, without which nothing else is open; returns its secret."""
        page = await self.of(username)
        await page.get_by_text("设置应用").click()
        await page.fill("#totp-password", own_words(username))
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-totp-picture] svg")).to_be_visible()
        secret = await page.locator("[data-totp-secret]").inner_text()
        await page.fill("#totp-code", shown_code(secret))
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-recovery-list] li")).to_have_count(10)
        await page.get_by_role("link", name="我已保存").click()
        await page.wait_for_selector("html[data-ready]")
        return secret


@dataclass
class Machine:
    """The installation with its shell, and the scanner that calls it over TLS."""

    installation: Installation
    authority: Path
    scanner: Path

    async def command(self, *arguments: str) -> str:
        """Words of a command that must succeed."""
        status, words = await self.installation.run(*arguments)
        assert status == 0, words
        return words

    @property
    def fingerprint(self) -> str:
        return load_pem_x509_certificate(self.scanner.read_bytes()).fingerprint(hashes.SHA256()).hex()

    async def scan(self, content: bytes) -> None:
        """The scanner sends, and is answered that it is kept."""
        dataset = dcmread(io.BytesIO(content))
        entity = RequestingEntity(ae_title="CT1")
        entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        tls: ssl.SSLContext = client_context(self.authority, self.scanner)

        def send() -> int:
            port, association = self.installation.dicom_port, None
            for _ in range(120):  # the gateway learns of a new device within ten seconds
                association = entity.associate("127.0.0.1", port, ae_title="TELEMED", tls_args=(tls, "localhost"))
                if association.is_established:
                    break
                time.sleep(0.5)
            assert association is not None
            assert association.is_established
            try:
                return int(association.send_c_store(dataset).Status)
            finally:
                association.release()

        assert await asyncio.to_thread(send) == 0


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """An empty folder for the data, and certificates as an administrator has them from the hospital's authority."""
    authority = Authority(tmp_path)
    settings = {
        "TELEMED_PROFILE": "mlps3",
        "TELEMED_DICOM_TLS": str(authority.issue("telemed")),
        "TELEMED_DICOM_TLS_CLIENTS": str(authority.file),
    }
    installation = Installation(tmp_path / "data", settings, ("serve",))
    yield Machine(installation, authority.file, authority.issue("ct1"))
    await installation.stop()


async def first_people(machine: Machine, folder: Path) -> dict[str, str]:
    """`telemed setup` with the example's region; the passwords that it made."""
    region = folder / "region.toml"
    region.write_text(await machine.command("setup", "--example"), encoding="utf-8")
    assert region.read_text(encoding="utf-8") == example_file()
    said = await machine.command("setup", "--file", str(region), "--one-time", "--lang", "zh-CN")
    return dict(re.findall(r"^  (\S+)  ([a-z0-9]{5}(?:-[a-z0-9]{5}){3})  ", said, re.MULTILINE))


async def invitations(secadmin: Page, folder: Path) -> dict[str, str]:
    """The security administrator takes the list over; each person's link."""
    people = folder / "people.csv"
    people.write_text(PEOPLE, "utf-8-sig")
    await opened(secadmin, "/accounts/import")
    await secadmin.set_input_files("input[type=file]", people)
    await secadmin.get_by_role("button", name="预览").click()
    await expect(secadmin.locator("[data-import-summary]")).to_contain_text("新 10")
    await secadmin.get_by_role("button", name="确认导入").click()
    await expect(secadmin.locator("[data-import-invitations] tbody tr")).to_have_count(10)
    await keep_picture(secadmin, "own-2-invitations")
    async with secadmin.expect_download() as saved:
        await secadmin.get_by_role("button", name="存为 CSV").click()
    text = await asyncio.to_thread(Path(await (await saved.value).path()).read_text, "utf-8-sig")
    return {row[0]: row[3] for row in list(csv.reader(io.StringIO(text)))[1:]}


async def enter_scanner(operator: Page, fingerprint: str) -> None:
    await opened(operator, "/devices/new")
    await operator.get_by_label("AE 标题").fill("CT1")
    await operator.select_option("[name=institution]", "CLINIC1")
    await operator.get_by_label("允许其呼叫的网段").fill("127.0.0.1")
    await operator.locator("[name=certificates]").fill(fingerprint)
    await operator.keyboard.press("Control+Enter")
    await operator.wait_for_url("**/devices")
    await keep_picture(operator, "own-3-device")


async def send_case(clinic: Page, machine: Machine) -> str:
    """The clinic asks, its scanner sends; the case's id."""
    await opened(clinic, "/cases/new/imaging")
    for name, words in (("own_number", PATIENT.number), ("resident_id", PATIENT.resident_id), ("name", PATIENT.name)):
        await clinic.fill(f"[name='patient.{name}']", words)
    await clinic.select_option("[name='request.modality']", "CT")
    await clinic.fill("[name='request.body_part']", "头")
    await clinic.fill("[name='request.reason']", "头痛三天，呕吐一次")
    await clinic.keyboard.press("Control+s")
    await expect(clinic).to_have_url(re.compile("/cases/[0-9a-f]{32}/edit$"))
    case = clinic.url.split("/")[-2]
    answer = await clinic.request.get(f"/api/v1/cases/{case}")
    await machine.scan(as_the_scanner_sends((await answer.json())["accession_number"]))
    await expect(clinic.locator("[data-arrived]")).to_contain_text("1 幅")
    await clinic.keyboard.press("Control+Enter")
    await expect(clinic).to_have_url(re.compile(f"/cases/{case}$"))
    return case


async def sign(page: Page, username: str) -> None:
    await page.keyboard.press("Control+Enter")
    await page.locator("dialog[open] input[type=password]").fill(own_words(username))
    await page.keyboard.press("Enter")


async def read(reader: Page, case: str) -> None:
    """The specialist reads, tells the clinic by telephone, writes and signs."""
    await reader.goto(f"/read/{case}")
    await reader.wait_for_selector(READY)
    await shown(reader)
    await reader.keyboard.press("c")
    await reader.fill("[name='sections.findings']", FINDINGS)
    await reader.fill("[name='sections.impression']", "右侧硬膜外血肿，请立即转诊。")
    await reader.keyboard.press("Escape")
    await reader.keyboard.press("!")
    await reader.locator("dialog[open]").get_by_role("button", name=TOLD).click()
    await reader.locator("dialog[open] [type=submit]").click()
    value = reader.locator(".critical")
    await value.locator("[name=whom]").fill("陶小满")
    await value.locator("[name=read_back]").check()
    await value.get_by_role("button", name="已通知").click()
    await expect(value).to_contain_text("已通知 陶小满")
    await keep_picture(reader, "own-4-told")
    await sign(reader, "zhou.min")
    await expect(reader).not_to_have_url(re.compile(case))


async def review(reviewer: Page, case: str) -> None:
    """The main hub's second person."""
    await reviewer.goto(f"/read/{case}")
    await reviewer.wait_for_selector(READY)
    await sign(reviewer, "wu.gang")
    await expect(reviewer).not_to_have_url(re.compile(case))


async def receive(clinic: Page) -> None:
    """The clinic acknowledges what it was told, says what was done, and takes the report."""
    await clinic.wait_for_selector("html[data-ready]")
    await clinic.get_by_role("button", name="确认收到").first.click()
    await clinic.fill(".critical-form textarea", "已联系救护车转院")
    await clinic.click(".critical-form [type=submit]")
    await expect(clinic.locator(".critical-panel")).to_contain_text("已联系救护车转院")
    await clinic.wait_for_selector("html[data-ready]")
    await clinic.keyboard.press("a")
    await expect(clinic.locator(".report-received")).to_be_visible()
    await keep_picture(clinic, "own-5-received")


async def test_from_an_empty_folder_to_a_house_that_came_back(machine: Machine, browser: Browser, tmp_path: Path) -> None:
    installation = machine.installation
    status, words = await installation.run("serve")
    assert status == 78
    assert "telemed setup" in words
    given = await first_people(machine, tmp_path)
    assert set(given) == set(ADMINISTRATORS)
    await installation.start()
    people = Browsers(browser, installation.home)
    for username in ADMINISTRATORS:
        page = await people.first_password(username, given[username])
        if username == "sysadmin":
            await expect(page.get_by_text("请先设置第二因素", exact=False)).to_be_visible()
            await keep_picture(page, "own-1-factor-first")
        await people.add_factor(username)

    links = await invitations(await people.of("secadmin"), tmp_path)
    secrets = {}
    for username, address in links.items():
        await people.take_up(username, address)
        secrets[username] = await people.add_factor(username)
    assert len(secrets) == 10
    await enter_scanner(await people.of("operator"), machine.fingerprint)

    case = await send_case(await people.of("tao.man"), machine)
    await read(await people.of("zhou.min"), case)
    await review(await people.of("wu.gang"), case)
    await receive(await people.of("tao.man"))

    (passphrase := tmp_path / "passphrase").write_text("four words on paper\n")
    passphrase.chmod(0o600)
    backup = str(tmp_path / "elsewhere")
    await machine.command("backup", backup, "--passphrase-file", str(passphrase))
    await installation.stop()
    shutil.rmtree(tmp_path / "data")
    assert "verified" in await machine.command("restore", backup, "--passphrase-file", str(passphrase))
    assert (await installation.verify())[0] == 0
    await installation.start()

    await (await people.of("tao.man")).context.clear_cookies()
    clinic = await people.sign_in("tao.man", own_words("tao.man"))
    await clinic.wait_for_url("**/login/factor**")
    await clinic.fill("#code", shown_code(secrets["tao.man"]))
    await clinic.keyboard.press("Enter")
    await clinic.wait_for_selector("html[data-ready]")
    await opened(clinic, f"/cases/{case}")
    await expect(clinic.locator(".case-report")).to_contain_text("右侧硬膜外血肿")
    await expect(clinic.locator("#evidence")).to_contain_text("1 幅")
    await keep_picture(clinic, "own-6-back")
