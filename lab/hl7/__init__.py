"""HL7 v2: parse whatever legal or nearly legal message a laboratory system sends, and write what it understands."""

from lab.hl7.content import Content, Observation, Order, Patient, Specimen
from lab.hl7.header import Header, Sender, read_header
from lab.hl7.message import DELETED, Message, Segment
from lab.hl7.message import as_sent as bytes  # noqa: A004  (the door's name)
from lab.hl7.parsing import messages, parse
from lab.hl7.reading import read
from lab.hl7.values import Value

__all__ = [
    "DELETED",
    "Content",
    "Header",
    "Message",
    "Observation",
    "Order",
    "Patient",
    "Segment",
    "Sender",
    "Specimen",
    "Value",
    "bytes",
    "messages",
    "parse",
    "read",
    "read_header",
]
