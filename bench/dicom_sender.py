"""A C-STORE sender that costs next to nothing: PDUs encoded beforehand, only the instance UID changes from one to the next."""

from __future__ import annotations

import multiprocessing
import re
import secrets
import socket
import time
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.synchronize import Event

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

from dicom_gateway.upper_layer.commands import C_STORE_RQ, data_pdu, encode_request
from dicom_gateway.upper_layer.pdu import HEAD, AssociateRequest, PDUType, ProposedContext, UserInformation, decode_accept

_UID_LENGTH = 44  # of the instance UIDs, so that one replaces another in place


@dataclass(frozen=True)
class Kind:
    """What is sent: `side` x `side` pixels of 16 bits."""

    name: str
    sop_class: str
    side: int


SMALL = Kind("small", str(UltrasoundImageStorage), 122)
CT = Kind("CT", str(CTImageStorage), 512)


def object_of(kind: Kind, sop_instance_uid: str, study: str = "", patient: str = "BENCH^PATIENT") -> Dataset:
    """An object with the header of its kind's size and pixels that do not compress to nothing."""
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set.SpecificCharacterSet = "ISO_IR 100"
    data_set.SOPClassUID, data_set.SOPInstanceUID = kind.sop_class, sop_instance_uid
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = study or generate_uid(), generate_uid()
    data_set.StudyDate, data_set.StudyTime, data_set.AccessionNumber = "20250101", "101500", "B1"
    data_set.Modality, data_set.Manufacturer, data_set.StudyDescription = "CT", "NOBODY", "Throughput"
    data_set.PatientName, data_set.PatientID, data_set.PatientBirthDate, data_set.PatientSex = patient, "B0001", "19700101", "O"
    data_set.StudyID, data_set.SeriesNumber, data_set.InstanceNumber = "1", 1, 1
    data_set.ImagePositionPatient, data_set.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    data_set.FrameOfReferenceUID, data_set.SliceThickness, data_set.PixelSpacing = generate_uid(), 1, [1, 1]
    data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
    data_set.Rows = data_set.Columns = kind.side
    data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit, data_set.PixelRepresentation = 16, 12, 11, 0
    data_set.RescaleIntercept, data_set.RescaleSlope, data_set.WindowCenter, data_set.WindowWidth = 0, 1, 40, 400
    data_set.PixelData = secrets.token_bytes(kind.side * kind.side * 2)
    data_set["PixelData"].VR = "OW"
    return data_set


def new_uid() -> str:
    """A UID that nobody else makes, of a fixed length."""
    return f"2.25.{secrets.randbelow(10**39):039d}"[:_UID_LENGTH].replace("2.25.0", "2.25.1")


class Message:
    """The PDUs of one C-STORE request; `bytes_for` gives them with another instance UID."""

    def __init__(self, kind: Kind, max_pdu: int) -> None:
        uid = new_uid()
        data_set = object_of(kind, uid)
        del data_set.file_meta  # files have it, messages do not
        out = BytesIO()
        data_set.save_as(out, enforce_file_format=False, implicit_vr=False, little_endian=True)
        encoded = out.getvalue()
        fragment = max_pdu - 6
        pieces = [encoded[begin : begin + fragment] for begin in range(0, len(encoded), fragment)]
        self._whole = bytearray(encode_request(1, C_STORE_RQ, 1, kind.sop_class, uid, has_data_set=True))
        for number, piece in enumerate(pieces, 1):
            self._whole += data_pdu(1, piece, last=number == len(pieces))
        self._places = _places(self._whole, uid)
        self._data_set, self._own = bytearray(encoded), _places(encoded, uid)
        self.study_instance_uid = str(data_set.StudyInstanceUID)

    def bytes_for(self, uid: str) -> bytearray:
        """The PDUs for `uid`, valid until the next call."""
        return _replaced(self._whole, self._places, uid)

    def data_set_for(self, uid: str) -> bytearray:
        """The encoded data set that those PDUs carry, valid until the next call."""
        return _replaced(self._data_set, self._own, uid)


def _places(content: bytes | bytearray, uid: str) -> list[int]:
    return [found.start() for found in re.finditer(re.escape(uid.encode()), content)]


def _replaced(content: bytearray, places: list[int], uid: str) -> bytearray:
    for at in places:
        content[at : at + _UID_LENGTH] = uid.encode()
    return content


def associate(port: int, calling: str, called: str, kind: Kind) -> tuple[socket.socket, int]:
    """A socket with an association for `kind`, and the longest P-DATA-TF that the peer takes. Raises `ConnectionError`."""
    connection = socket.create_connection(("127.0.0.1", port), 30)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = ProposedContext(1, kind.sop_class, (str(ExplicitVRLittleEndian),))
        connection.sendall(AssociateRequest(called, calling, (context,), UserInformation(131072, "2.25.1")).encode())
        pdu, body = read_pdu(connection)
        accept = decode_accept(body) if pdu == PDUType.ASSOCIATE_AC else None
        if accept is None or accept.contexts[0].result:
            raise ConnectionError(f"no association with {called} at port {port}")
    except BaseException:
        connection.close()
        raise
    return connection, min(accept.user.maximum_length or 131072, 131072)


def read_pdu(connection: socket.socket) -> tuple[int, bytes]:
    """Type and content of the next PDU. Raises `ConnectionError` at the end."""
    kind, length = HEAD.unpack(_exactly(connection, HEAD.size))
    return kind, _exactly(connection, length)


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        # dcmtk and Orthanc leave Nagle on: without this each answer would wait 40 ms for a delayed ACK.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if not piece:
            raise ConnectionError("the peer closed the connection")
        content += piece
    return content


def status_of(body: bytes) -> int:
    """Status of a response: the two bytes behind (0000,0900)."""
    at = body.index(b"\0\0\0\x09\2\0\0\0") + 8
    return int.from_bytes(body[at : at + 2], "little")


def _send(port: int, calling: str, called: str, kind: Kind, count: int, ready: Event, go: Event) -> None:
    connection, max_pdu = associate(port, calling, called, kind)
    message = Message(kind, max_pdu)
    uids = [new_uid() for _ in range(count)]
    ready.set()
    go.wait()
    for uid in uids:
        connection.sendall(message.bytes_for(uid))
        _, body = read_pdu(connection)
        if status_of(body):
            raise SystemExit(f"{called} answered {status_of(body):04X}H")
    connection.close()


def send(port: int, calling: str, called: str, kind: Kind, count: int, associations: int) -> float:
    """Send `count` instances over each association at once; seconds from the first byte to the last answer.

    Raises `RuntimeError` where an instance was not stored.
    """
    context = multiprocessing.get_context("fork")
    go = context.Event()
    ready = [context.Event() for _ in range(associations)]
    senders = [context.Process(target=_send, args=(port, calling, called, kind, count, each, go)) for each in ready]
    for sender in senders:
        sender.start()
    for each in ready:
        each.wait(60)
    begin = time.perf_counter()
    go.set()
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - begin
    if any(sender.exitcode for sender in senders):
        raise RuntimeError(f"{called} did not store everything")
    return seconds
