"""The operator enters devices, tries them, switches them off and takes them out, by mouse and by keyboard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from pynetdicom import AE

from dicom_gateway.dimse.association_socket import RequestingEntity
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform, free_port
from tests.browser.soundness import opened, sound
from tests.browser.test_operator import shown
from tests.browser.test_reading import keep_picture
from tests.dicom_gateway.certificates import Authority, server_context
from tests.dicom_gateway.devices import StorageProvider


@pytest.fixture
async def no_devices(platform: Platform) -> AsyncIterator[None]:
    """The list is empty; those of the institutions, by which other tests send, come back afterwards."""
    before = (await platform.call("GET", "/devices", "operator"))["items"]
    for device in before:
        await platform.call("DELETE", f"/devices/{device['title']}", "operator")
    yield
    for device in before:
        await platform.call("POST", "/devices", "operator", {name: device[name] for name in ("title", "institution", "calls_from")})


@pytest.mark.usefixtures("no_devices")
async def test_from_the_empty_list_to_a_device_that_answers(platform: Platform, sign_in: Visitor) -> None:
    page = await sign_in("operator")
    await opened(page, "/devices")
    await expect(page.locator(".empty")).to_contain_text("尚未登记设备")
    await keep_picture(page, "devices-empty")
    await sound(page)

    await page.keyboard.press("n")
    await page.wait_for_url("**/devices/new")
    await page.wait_for_selector("html[data-ready]")
    await page.get_by_label("可向其发送检查").check()
    await page.get_by_label("允许其呼叫的网段").fill("10.1.2.3/16")
    await page.keyboard.press("Control+Enter")
    for name, words in (
        ("title", "1 到 16 个"),
        ("institution", "不是本网络的机构"),
        ("host", "必填"),
        ("port", "必须填写"),
        ("calls_from", "10.1.0.0/16"),
    ):
        await expect(page.locator(f'[data-field="{name}"] .field-error')).to_contain_text(words)
    await keep_picture(page, "devices-faults")
    await sound(page)

    ae = AE(ae_title="WS1")
    ae.add_supported_context("1.2.840.10008.1.1")
    server: Any = await asyncio.to_thread(lambda: ae.start_server(("127.0.0.1", 0), block=False))
    try:
        await page.get_by_label("AE 标题").fill("WS1")
        await page.select_option("[name=institution]", "HUBA")
        await page.get_by_label("主机名或 IP 地址").fill("127.0.0.1")
        await page.get_by_label("端口", exact=True).fill(str(server.server_address[1]))
        await page.get_by_label("允许其呼叫的网段").fill("10.1.0.0/16，192.0.2.7")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_url("**/devices")
        await page.wait_for_selector("html[data-ready]")
        row = page.locator("[data-row]", has_text="WS1")
        await expect(row).to_contain_text("10.1.0.0/16, 192.0.2.7/32")
        await page.keyboard.press("j")
        await page.keyboard.press("t")
        await expect(row.locator("[data-echo-answer]")).to_contain_text("毫秒内应答")
    finally:
        await asyncio.to_thread(server.shutdown)
    await keep_picture(page, "devices-answered")
    await sound(page)


async def test_a_device_is_changed_switched_off_removed_and_brought_back(platform: Platform, sign_in: Visitor) -> None:
    body = {"title": "A/B C", "institution": "CLINIC2", "host": "127.0.0.1", "port": free_port(), "uses": ["query"]}
    await platform.call("POST", "/devices", "operator", body)
    await platform.call("POST", "/devices", "operator", {"title": "CT2", "institution": "CLINIC2", "calls_from": ["10.2.0.0/16"]})
    page = await sign_in("operator", locale="en")
    await opened(page, "/devices?q=clinic2")
    row = page.locator("[data-row]", has_text="A/B C")
    await row.get_by_role("button", name="Test the connection to A/B C").click()
    await expect(row.locator("[data-echo-answer]")).to_contain_text("no DICOM device answers there", timeout=30_000)
    await keep_picture(page, "devices-unreachable")

    await row.get_by_role("link", name="Change A/B C").click()
    await page.get_by_label("Port", exact=True).fill("11113")
    await keep_picture(page, "devices-change")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.wait_for_url("**/devices")
    await expect(row).to_contain_text("127.0.0.1:11113")

    menu = row.locator("summary")
    await menu.click()
    await keep_picture(page, "devices-menu")
    await sound(page)
    await row.get_by_role("button", name="Switch off").click()
    await expect(row).to_contain_text("switched off")
    await page.get_by_role("button", name="Undo").click()
    await expect(row.locator(".state.tone-done")).to_contain_text("on")

    await page.wait_for_selector("html[data-ready]")
    await menu.click()
    await row.get_by_role("button", name="Remove A/B C").click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(row).to_contain_text("127.0.0.1:11113")
    kept = (await platform.call("GET", "/devices", "operator"))["items"]
    assert [(each["port"], each["uses"]) for each in kept if each["title"] == "A/B C"] == [(11113, ["query"])]


async def test_a_certificate_that_is_not_trusted_is_said(platform: Platform, sign_in: Visitor, tmp_path: Path) -> None:
    authority, strangers = Authority(tmp_path), Authority(tmp_path, "strangers")
    workstation = StorageProvider(0, tls=server_context(authority.issue("device")))
    server = await asyncio.to_thread(workstation.start)
    body = {"title": "TLS1", "institution": "CLINIC2", "host": "127.0.0.1", "port": server.server_address[1], "uses": ["store"]}
    await platform.call("POST", "/devices", "operator", body)
    try:
        page = await sign_in("operator")
        await opened(page, "/devices/edit?title=TLS1")
        await page.get_by_label("用 TLS 呼叫它").check()
        field = page.get_by_label("其证书的颁发机构")
        await field.fill((tmp_path / "device.pem").read_text())
        await page.get_by_role("button", name="保存", exact=True).click()
        await expect(page.locator('[data-field="authority"] .field-error')).to_contain_text("含有私钥")
        await field.fill(strangers.file.read_text())
        await page.get_by_role("button", name="保存", exact=True).click()
        await page.wait_for_url("**/devices")
        await page.wait_for_selector("html[data-ready]")
        row = page.locator("[data-row]", has_text="TLS1")
        await expect(row).to_contain_text("TLS")
        await row.get_by_role("button", name="测试到 TLS1 的连接").click()
        await expect(row.locator("[data-echo-answer]")).to_contain_text("不可信")
        await keep_picture(page, "devices-untrusted")
        await opened(page, "/devices/edit?title=TLS1")
        await keep_picture(page, "devices-tls-form")
        await sound(page)
    finally:
        await platform.call("DELETE", "/devices/TLS1", "operator")
        await asyncio.to_thread(server.shutdown)


async def test_who_knocks_and_is_refused_is_entered_with_one_press(platform: Platform, sign_in: Visitor) -> None:
    def knock(title: str) -> bool:
        ae = RequestingEntity(ae_title=title)
        ae.add_requested_context("1.2.840.10008.1.1")
        association = ae.associate("127.0.0.1", platform.dicom_port, ae_title="TELEMED")
        welcome = bool(association.is_established)
        if welcome:
            association.release()
        return welcome

    assert not await asyncio.to_thread(knock, "NEW CT")
    page = await sign_in("operator", locale="en")
    line = page.get_by_role("region", name="Refused lately").locator("li", has_text="NEW CT")
    await shown(page, "/devices", "NEW CT")
    await expect(line).to_contain_text("AE title is not entered")
    await keep_picture(page, "devices-knocked")
    await sound(page)
    await line.get_by_role("link", name="Enter NEW CT").click()
    await expect(page.get_by_label("AE title")).to_have_value("NEW CT")
    await expect(page.locator("[name=calls_from]")).to_have_value("127.0.0.1")
    await page.select_option("[name=institution]", "CLINIC1")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.wait_for_url("**/devices")
    assert await asyncio.to_thread(knock, "NEW CT")
    row = page.locator("[data-row]", has_text="NEW CT")
    async with asyncio.timeout(60):
        while await row.locator(".tone-near").count():
            await page.goto("/devices")
            await asyncio.sleep(0.2)
    await expect(row).not_to_contain_text("none yet")
    await keep_picture(page, "devices-last-call")
    await platform.call("DELETE", "/devices/NEW%20CT", "operator")
