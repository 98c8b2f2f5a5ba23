"""The bones of a right hand seen from the back, in mm from the middle of the capitate: x to the little finger, y to the tips.

Lengths are within the usual range of adult radiographs (second metacarpal about 66 mm, third proximal phalanx about 45 mm).
"""

from dataclasses import dataclass, replace
from math import cos, radians, sin


@dataclass(frozen=True)
class LongBone:
    """A tubular bone from (x, y), pointing `direction` degrees clockwise from the fingers' axis; half-widths in mm."""

    name: str
    x: float
    y: float
    direction: float
    length: float
    base: float
    shaft: float
    head: float
    bow: float = 0.0
    """Greatest sideways bend of the middle line in mm."""
    cortex: float = 1.5
    tuft: bool = False
    """Ends in the tuft of a distal phalanx."""
    kept: tuple[float, float] = (0.0, 1.0)
    """The part of the length that this fragment has; a broken end is ragged."""

    def at(self, along: float) -> tuple[float, float]:
        """The point `along` mm from the base, on the axis."""
        turn = radians(self.direction)
        return self.x + along * sin(turn), self.y + along * cos(turn)


@dataclass(frozen=True)
class ShortBone:
    """A bone given by its outline; `depth` is its greatest thickness along the beam in mm."""

    name: str
    outline: tuple[tuple[float, float], ...]
    depth: float
    cortex: float = 0.7
    shaft_cortex: float = 0.0
    """Cortical thickness in mm reached 45 mm below the wrist (radius and ulna)."""


@dataclass(frozen=True)
class _Ray:
    """A finger: its metacarpal and the lengths of its phalanges, with how each deviates from the one before."""

    name: str
    x: float
    y: float
    direction: float
    metacarpal: tuple[float, float, float, float]
    """Length and half-widths of base, shaft, head."""
    bow: float
    phalanges: tuple[tuple[float, float, float, float, float], ...]
    """Direction, length, half-widths of base, shaft and head."""


_RAYS = (
    _Ray("1", -29.5, 3.5, -42, (45, 7.6, 4.8, 6.6), -1.2, ((-34, 31, 6.8, 4.2, 5.4), (-29, 23, 6.0, 3.0, 4.0))),
    _Ray("2", -14.5, 13.5, -9, (66, 8.4, 4.4, 7.4), -1.4, ((-11, 41, 7.8, 4.6, 5.7), (-9, 24, 6.6, 3.7, 4.8), (-8, 17.5, 5.0, 2.3, 3.6))),
    _Ray("3", 0.0, 14.5, -0.5, (65, 7.8, 4.4, 7.5), -0.6, ((0, 45, 8.0, 4.7, 5.9), (1, 28.5, 6.9, 3.9, 5.0), (1, 18.5, 5.2, 2.4, 3.8))),
    _Ray("4", 12.4, 12.8, 8, (58, 6.6, 3.7, 6.7), 0.8, ((9, 42, 7.3, 4.3, 5.5), (9, 27, 6.4, 3.6, 4.7), (8, 18.5, 5.0, 2.3, 3.7))),
    _Ray("5", 21.5, 8.8, 17, (53, 6.6, 3.7, 6.4), 1.3, ((21, 33, 6.6, 3.7, 4.7), (19, 19.5, 5.5, 3.1, 4.1), (17, 16.5, 4.4, 2.0, 3.2))),
)

CARPALS = (
    ShortBone(
        "capitate",
        ((-6.3, 14.1), (-0.1, 15.2), (6.8, 14.1), (8.2, 4.4), (6.8, -5.9), (3.4, -12.1), (-1.8, -12.7), (-5.8, -8.2), (-7.5, 2.1)),
        17,
    ),
    ShortBone("hamate", ((8, 13.3), (15.3, 12.2), (21.5, 9), (21, 3.1), (15.3, -4.3), (9.6, -10), (7.5, -6.1), (7.7, 3.1)), 16),
    ShortBone("hook of hamate", ((11, 5.7), (15, 7.7), (18.5, 4.6), (16.7, 0.4), (12.5, 0.6)), 6, 1.1),
    ShortBone("triquetrum", ((12.2, -8.5), (17.3, -3.1), (23.4, -2.8), (24.8, -9), (20.2, -15.6), (13.9, -14.9)), 12),
    ShortBone("pisiform", ((15.5, -8.9), (18.9, -5), (23.4, -6), (24.6, -10.6), (20.6, -14.6), (16.6, -13.2)), 9, 0.6),
    ShortBone("lunate", ((-3.2, -13.8), (2.1, -11.3), (9, -11.7), (13.2, -15.2), (11.4, -21.5), (5, -24), (-1.9, -22.7)), 15),
    ShortBone(
        "scaphoid",
        (
            (-4.8, -10.4),
            (-7.7, -3.2),
            (-14.5, 0.2),
            (-20.2, -2.8),
            (-20.2, -8.7),
            (-13.9, -16.7),
            (-7.7, -21.8),
            (-2.9, -21.2),
            (-2.4, -15.5),
        ),
        13,
    ),
    ShortBone("trapezoid", ((-7.1, 12.7), (-6.9, 4.2), (-11.3, -1.4), (-17.6, 1.9), (-20.1, 9.9), (-14.2, 13.2)), 13),
    ShortBone("trapezium", ((-19, 8.7), (-16.5, 1.2), (-20, -4.5), (-26.3, -3.8), (-32, 1.9), (-29.1, 7.6), (-24, 10.1)), 13),
)

FOREARM = (
    ShortBone(
        "radius",
        (
            (-25.5, -14),
            (-19, -18.5),
            (-10, -23),
            (0, -25.5),
            (8.5, -25.5),
            (9.4, -31),
            (6, -41),
            (2.5, -60),
            (1.5, -95),
            (1.5, -130),
            (-13, -130),
            (-14, -90),
            (-17, -58),
            (-23, -40),
            (-26.2, -27),
            (-27, -18),
        ),
        21,
        0.8,
        3.0,
    ),
    ShortBone(
        "ulna",
        (
            (11.2, -29),
            (15, -27.4),
            (20, -28),
            (22.6, -24),
            (25, -25.5),
            (25.4, -33),
            (22, -42),
            (19.5, -60),
            (19, -95),
            (19, -130),
            (8.5, -130),
            (9.5, -60),
            (11.6, -42),
            (10.8, -34),
        ),
        15,
        0.8,
        2.6,
    ),
)

SESAMOIDS = (
    ShortBone("sesamoid", ((-52.5, 37), (-50, 39.6), (-47.4, 38.4), (-48, 35.2), (-50.6, 34.6)), 4.5, 0.6),
    ShortBone("sesamoid", ((-59.5, 31.5), (-57.5, 33.6), (-55.6, 32.4), (-56.4, 30), (-58.4, 29.6)), 4, 0.6),
)

JOINT_GAP = 1.7
BREAK_AT = 0.77
"""The place at which the neck of the fifth metacarpal breaks, as a share of its length."""


def long_bones(broken: bool) -> tuple[LongBone, ...]:
    """Metacarpals and phalanges (19 bones; one more fragment where the fifth metacarpal's neck is broken)."""
    bones: list[LongBone] = []
    for ray in _RAYS:
        length, base, shaft, head = ray.metacarpal
        metacarpal = LongBone(f"metacarpal {ray.name}", ray.x, ray.y, ray.direction, length, base, shaft, head, ray.bow, 1.7)
        fragments = _break(metacarpal) if broken and ray.name == "5" else (metacarpal,)
        bones.extend(fragments)
        x, y = fragments[-1].at(length + JOINT_GAP)
        for number, (direction, size, base, shaft, head) in enumerate(ray.phalanges):
            tuft = number == len(ray.phalanges) - 1
            bone = LongBone(f"phalanx {ray.name}.{number + 1}", x, y, direction, size, base, shaft, head, 0, 1.3, tuft)
            bones.append(bone)
            x, y = bone.at(size + JOINT_GAP * 0.8)
    return tuple(bones)


def _break(bone: LongBone) -> tuple[LongBone, LongBone]:
    """Shaft and head of a neck fracture: the head tilts inward, is driven in a little and stands off sideways."""
    x, y = bone.at(bone.length * BREAK_AT)
    tilt = bone.direction - 27
    back = bone.length * BREAK_AT + 1.2
    turn = radians(tilt)
    head = replace(bone, x=x + 0.9 - back * sin(turn), y=y - 0.4 - back * cos(turn), direction=tilt, kept=(BREAK_AT, 1.0), bow=0.3)
    return replace(bone, kept=(0.0, BREAK_AT)), head
