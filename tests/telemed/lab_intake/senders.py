"""Members' laboratory systems in tests: messages that they send, and an MLLP connection that they send them over."""

from __future__ import annotations

import asyncio
import re
import ssl

START, END = b"\x0b", b"\x1c\r"


def potassium(value: str, status: str = "F", *, number: int = 1, code: str = "2823-3^Potassium^LN", sub: str = "") -> str:
    """One OBX."""
    return f"OBX|{number}|NM|{code}|{sub}|{value}|mmol/L|3.5-5.3||||{status}|||20261118080000"


def report(
    control: str,
    *rows: str,
    sender: str = "CLINIC1",
    patient: str = "L00042",
    order: str = "O42",
    at: str = "20261118083000+0800",
    kind: str = "ORU^R01^ORU_R01",
    character_set: str = "UNICODE UTF-8",
    accept: str = "",
    application: str = "",
    name: str = "测试^病人",
) -> bytes:
    """An ORU^R01 of one order; without rows it has one potassium of 4.1."""
    head = [
        f"MSH|^~\\&|LIS|{sender}|TELEMED|MAIN|{at}||{kind}|{control}|P|2.5.1|||{accept}|{application}|CHN|{character_set}",
        f"PID|1||{patient}^^^{sender}^MR||{name}||19610305|M",
        f"ORC|RE|{order}|F{order}",
        f"OBR|1|{order}|F{order}|24323-8^CMP^LN|||20261118080000|||||||||||||||{at}|||F",
    ]
    codec = {"GBK": "gbk"}.get(character_set, "utf-8")
    return ("\r".join([*head, *(rows or (potassium("4.1"),))]) + "\r").encode(codec)


def said(answer: bytes) -> list[str]:
    """`["AA K1"]`: code and control id of every acknowledgement."""
    return [f"{code.decode()} {control.decode()}" for code, control in re.findall(rb"[\r\n]MSA.([AC][AER]).([^\r\n|]*)", answer)]


class Sender:
    """One MLLP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int, tls: ssl.SSLContext | None = None) -> Sender:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None)
        return cls(reader, writer)

    async def take(self) -> bytes:
        """The next answer."""
        async with asyncio.timeout(30):
            return (await self._reader.readuntil(END)).removeprefix(START).removesuffix(END)

    async def send(self, *messages: bytes) -> bytes:
        """Send messages in a block each, at once; return their answers, one behind the other."""
        self.writer.write(b"".join(START + message + END for message in messages))
        await self.writer.drain()
        return b"".join([await self.take() for _ in messages])

    async def ended(self) -> bool:
        """True where the other side closes the connection and says nothing more."""
        try:
            async with asyncio.timeout(30):
                return await self._reader.read() == b""
        except OSError:
            return True
        finally:
            self.writer.close()

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()
