"""Errors in pixels."""


class PixelError(Exception):
    """These pixels cannot be decoded or drawn; the message says why."""


class DecodingBusy(Exception):
    """Decoding took longer than allowed, or its process died; trying again later may help."""
