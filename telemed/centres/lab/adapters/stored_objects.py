"""Objects of laboratory messages: those that are too large for their row."""

from __future__ import annotations

from telemed.adapters.stored_objects import ObjectsByColumn
from telemed.centres.lab.adapters.hl7_reading import FOLDER
from telemed.centres.lab.adapters.tables import lab_message

MESSAGE_OBJECTS = ObjectsByColumn("laboratory message", (FOLDER,), ((lab_message.c.key, lab_message.c.sha256),))
