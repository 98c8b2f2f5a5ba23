"""A study made of numbers, served as DICOMweb: what is drawn on the screen can be told beforehand."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from aiohttp import web
from PIL import Image

SIZE: Final = 512
CURRENT, PRIOR, EMPTY, COLOUR = "1.2.826.1", "1.2.826.2", "1.2.826.3", "1.2.826.4"


@dataclass(frozen=True)
class MadeSeries:
    """A series: how many slices, which kind of pixels, where the first slice lies (mm)."""

    uid: str
    number: int
    modality: str
    description: str
    slices: int
    kind: str
    first_position: float = 0.0
    frame_of_reference: str = "1.9.1"


STUDIES: Final = {
    CURRENT: (
        MadeSeries("1.2.826.1.1", 1, "CT", "Head 5 mm", 40, "ct"),
        MadeSeries("1.2.826.1.2", 2, "DX", "Hand", 1, "film"),
    ),
    PRIOR: (MadeSeries("1.2.826.2.1", 1, "CT", "Head 5 mm", 20, "ct", 100.0, "1.9.2"),),
    EMPTY: (),
    COLOUR: (
        MadeSeries("1.2.826.4.1", 1, "US", "Doppler", 3, "colour"),
        MadeSeries("1.2.826.4.2", 2, "CT", "No raw values", 1, "no-raw"),
        MadeSeries("1.2.826.4.3", 3, "CT", "Cut off", 1, "broken"),
    ),
}


def values_of(series: MadeSeries, index: int) -> np.ndarray[Any, np.dtype[Any]]:
    """Values after rescale. CT: air -1000, a disc of 40 HU (radius 150 pixels), in it a square of 80 HU that moves with the slice."""
    if series.kind == "film":
        return np.tile(np.linspace(0, 255, 256), (300, 1))
    y, x = np.mgrid[:SIZE, :SIZE]
    values = np.where((x - 256) ** 2 + (y - 256) ** 2 <= 150**2, 40, -1000)
    values[240:272, 200 + 2 * index : 232 + 2 * index] = 80
    return values


@functools.lru_cache(64)
def pixel_bytes(series: MadeSeries, index: int) -> bytes:
    """Stored values: 12 bits in 16 with rubbish above High Bit for CT (intercept -1024), 8 bits for the film."""
    values = values_of(series, index)
    if series.kind == "film":
        return values.astype(np.uint8).tobytes()
    stored = (values + 1024).astype(np.uint16) | 0xA000
    return stored.astype("<u2").tobytes()


def _tag(vr: str, *values: object) -> dict[str, object]:
    return {"vr": vr, "Value": list(values)}


def dataset(study: str, series: MadeSeries, index: int) -> dict[str, Any]:
    """DICOM JSON of one instance."""
    film, colour = series.kind == "film", series.kind == "colour"
    rows, columns = (300, 256) if film else (SIZE, SIZE)
    result: dict[str, Any] = {
        "00080018": _tag("UI", f"{series.uid}.{index + 1}"),
        "00080020": _tag("DA", "20261120" if study != PRIOR else "20251103"),
        "00080050": _tag("SH", "A20261120-0031"),
        "00080060": _tag("CS", series.modality),
        "00081030": _tag("LO", "Head CT"),
        "00100010": _tag("PN", {"Alphabetic": "Zhang^San", "Ideographic": "张^三"}),
        "0020000D": _tag("UI", study),
        "0020000E": _tag("UI", series.uid),
        "00200013": _tag("IS", index + 1),
        "00280002": _tag("US", 3 if colour else 1),
        "00280004": _tag("CS", "RGB" if colour else "MONOCHROME1" if film else "MONOCHROME2"),
        "00280010": _tag("US", rows),
        "00280011": _tag("US", columns),
        "00280100": _tag("US", 8 if film or colour else 16),
        "00280101": _tag("US", 8 if film or colour else 12),
        "00280102": _tag("US", 7 if film or colour else 11),
        "00280103": _tag("US", 0),
    }
    if film:
        result["00181164"] = _tag("DS", 0.2, 0.2)
    elif not colour:
        result |= {
            "00180050": _tag("DS", 5),
            "00200032": _tag("DS", -128, -128, series.first_position + 5 * index),
            "00200037": _tag("DS", 1, 0, 0, 0, 1, 0),
            "00200052": _tag("UI", series.frame_of_reference),
            "00280030": _tag("DS", 0.5, 0.5),
            "00281050": _tag("DS", 40),
            "00281051": _tag("DS", 400),
            "00281052": _tag("DS", -1024),
            "00281053": _tag("DS", 1),
        }
    return result


def _find(request: web.Request) -> tuple[str, MadeSeries, int]:
    study, series_uid, instance = (request.match_info[name] for name in ("study", "series", "instance"))
    series = next((each for each in STUDIES.get(study, ()) if each.uid == series_uid), None)
    if series is None:
        raise web.HTTPNotFound
    return study, series, int(instance.rsplit(".", 1)[1]) - 1


async def series_list(request: web.Request) -> web.Response:
    """QIDO: the series of a study."""
    found = STUDIES.get(request.match_info["study"], ())
    items = [
        {
            "00080060": _tag("CS", s.modality),
            "0008103E": _tag("LO", s.description),
            "0020000E": _tag("UI", s.uid),
            "00200011": _tag("IS", s.number),
        }
        for s in found
    ]
    return web.json_response(items, content_type="application/dicom+json") if items else web.Response(status=204)


async def series_metadata(request: web.Request) -> web.Response:
    """WADO: metadata of all instances of a series, in no useful order."""
    study = request.match_info["study"]
    series = next(each for each in STUDIES[study] if each.uid == request.match_info["series"])
    items = [dataset(study, series, index) for index in reversed(range(series.slices))]
    return web.json_response(items, content_type="application/dicom+json")


async def frame(request: web.Request) -> web.Response:
    """WADO: raw pixels as one part."""
    _, series, index = _find(request)
    if series.kind in {"colour", "no-raw"}:
        raise web.HTTPNotAcceptable
    request.app[FETCHED].append(request.path)
    body = pixel_bytes(series, index)
    if series.kind == "broken":
        body = body[:1000]
    head = b"--mark\r\nContent-Type: application/octet-stream\r\n\r\n"
    return web.Response(
        body=head + body + b"\r\n--mark--\r\n",
        headers={"Content-Type": 'multipart/related; type="application/octet-stream"; boundary=mark'},
    )


async def rendered(request: web.Request) -> web.Response:
    """WADO: a picture. Red for colour; grey by the window that is asked for otherwise."""
    _, series, index = _find(request)
    if series.kind == "broken":
        raise web.HTTPInternalServerError
    if series.kind == "colour":
        picture = Image.new("RGB", (SIZE, SIZE), (200, 30, 30))
    else:
        centre, width = (float(part) for part in request.query.get("window", "40,400,linear").split(",")[:2])
        grey = np.clip((values_of(series, index) - centre) / width + 0.5, 0, 1) * 255
        picture = Image.fromarray(grey.astype(np.uint8))
    if "viewport" in request.query:
        picture.thumbnail(tuple(int(part) for part in request.query["viewport"].split(",")))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return web.Response(body=file.getvalue(), content_type="image/png")


#: Paths of the frames that were asked for, in order.
FETCHED: Final = web.AppKey("FETCHED", list[str])


def add_routes(app: web.Application) -> None:
    """Serve the made studies under /dicomweb."""
    app[FETCHED] = []
    study = "/dicomweb/studies/{study}"
    instance = study + "/series/{series}/instances/{instance}"
    app.router.add_get(study + "/series", series_list)
    app.router.add_get(study + "/series/{series}/metadata", series_metadata)
    app.router.add_get(instance + "/frames/1", frame)
    app.router.add_get(instance + "/frames/1/rendered", rendered)
