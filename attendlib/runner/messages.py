"""How the messages between a kernel and who runs it are read, on both sides."""

import json
from typing import Any

SETTINGS = {"unpacker": f"{__name__}.undated"}  # of a session


def undated(packed: bytes) -> Any:
    """A part of a message without the time it was sent, which the library then takes to be when it was read. Nobody
    asks for it, and to make a date of it takes longer than to read all the rest."""
    part = json.loads(packed.decode(errors="replace"))
    if "msg_id" in part:
        part.pop("date", None)
    return part
