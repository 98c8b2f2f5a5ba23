"""The printed page: its measures and colours, in points from the lower left corner, and where signatures are placed."""

from collections.abc import Mapping

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4

from telemed.service.ports.signer import Role

PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 48.0
TEXT_WIDTH = PAGE_WIDTH - 2 * MARGIN
RIGHT = PAGE_WIDTH - MARGIN

# The text stands between these two heights; above is the header, below are the disclaimer and the footer.
FIRST_PAGE_TOP = PAGE_HEIGHT - 122.0
LATER_PAGE_TOP = PAGE_HEIGHT - 68.0
TEXT_BOTTOM = 66.0
DISCLAIMER_Y = 50.0
FOOTER_Y = 27.0

QR_SIZE = 58.0

# The end of the last page: a line for the names, a line for the times, and the visible electronic signatures.
SIGNATURE_AREA_HEIGHT = 92.0
SIGNATURE_BOX_SIZE = (190.0, 38.0)
SIGNATURE_COLUMNS: Mapping[Role, float] = {"author": MARGIN, "reviewer": MARGIN + TEXT_WIDTH / 2}

INK = HexColor("#16191d")
MUTED = HexColor("#5b6470")
RULE = HexColor("#aab2bb")
ACCENT = HexColor("#0b4a86")
ALERT = HexColor("#b3261e")
ALERT_TINT = HexColor("#fdecea")
NOTICE = HexColor("#8a5a00")
NOTICE_TINT = HexColor("#fdf4e3")
# Opaque and drawn below the text: PDF/A allows no transparency in its first part.
WATERMARK = HexColor("#e9ecef")


def signature_box(role: Role) -> tuple[int, int, int, int]:
    """Left, bottom, right and top of a visible signature on the last page, in whole points."""
    width, height = SIGNATURE_BOX_SIZE
    left, bottom = SIGNATURE_COLUMNS[role], TEXT_BOTTOM + 4
    return (round(left), round(bottom), round(left + width), round(bottom + height))
