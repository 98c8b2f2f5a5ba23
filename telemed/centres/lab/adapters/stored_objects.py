"""Objects of the laboratory: messages that are too large for their row, and loggers' files."""

from __future__ import annotations

from telemed.adapters.stored_objects import ObjectsByColumn
from telemed.centres.lab.adapters.hl7_reading import FOLDER
from telemed.centres.lab.adapters.specimens.tables import lab_box_log
from telemed.centres.lab.adapters.tables import lab_message
from telemed.centres.lab.specimens.temperature import FOLDER as TEMPERATURE

MESSAGE_OBJECTS = ObjectsByColumn(
    "laboratory message or temperature log",
    (FOLDER, TEMPERATURE),
    ((lab_message.c.key, lab_message.c.sha256), (lab_box_log.c.key, lab_box_log.c.sha256)),
)
