"""What the anchors say of the audit trail: whether every record that was noted is still there, and how much such a proof is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from telemed.adapters.audit.anchor_key import AnchorKeyUnusable, AnchorVerifier, load_signer, verifier_of
from telemed.adapters.audit.anchor_places import AnchorPlace, anchors_in
from telemed.adapters.audit.anchors import Anchor, ForgedAnchor, decode_anchor, fault_by
from telemed.adapters.audit.trail import Trail

MOST_READ: Final = 3000
"""Anchors that are read of one place, the newest: each covers all before it, older ones only say since when."""


@dataclass(frozen=True, slots=True)
class AnchorKeys:
    """Where keys of anchors may lie: that of the data folder, the seal before anchors were signed, and what the settings name."""

    folder: Path
    private: Path | None = None
    public: Path | None = None

    @property
    def own(self) -> Path:
        return self.folder / "audit.pem"

    @property
    def seal(self) -> Path:
        return self.folder / "audit.key"

    def verifier(self) -> AnchorVerifier:
        """Raises AnchorKeyUnusable."""
        return verifier_of([self.own, *([self.private] if self.private else [])], [self.public] if self.public else [])


@dataclass(slots=True)
class PlaceAnchors:
    """The anchors of one place: those that are proved, how many there are, and what is wrong."""

    label: str
    anchors: list[Anchor] = field(default_factory=list)
    total: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AnchorProof:
    """What is right and what is wrong, in sentences."""

    said: list[str]
    faults: list[str]


async def read_anchors(places: Sequence[AnchorPlace], keys: AnchorKeys) -> list[PlaceAnchors]:
    """Read and prove the anchors of all places that can be read. Raises AnchorKeyUnusable."""
    verifier = keys.verifier()
    seal = keys.seal.read_bytes() if keys.seal.exists() else b""
    found = []
    for place in places:
        if not place.readable:
            continue
        contents, total, wrong = await anchors_in(place, MOST_READ)
        kept = PlaceAnchors(place.label, total=total, faults=[f"{place.label}: {wrong}"] if wrong else [])
        for name, content in contents.items():
            try:
                kept.anchors.append(decode_anchor(name, content, verifier, seal))
            except ForgedAnchor as forged:
                kept.faults.append(f"{place.label}: the note of the trail's end {forged}")
        found.append(kept)
    return found


async def prove_anchors(trail: Trail, places: Sequence[PlaceAnchors], keys: AnchorKeys) -> AnchorProof:
    """Compare the anchors with the trail. The trail was walked with the positions of all of them wanted."""
    proof = AnchorProof([], [])
    for place in places:
        proof.faults.extend(place.faults)
        proof.faults.extend(_disagreeing(trail, place))
        if not place.total and not place.faults and (expected := _expected(trail, keys)):
            proof.faults.append(f"there is no anchor in {place.label}, although {expected}")
    anchors = [anchor for place in places for anchor in place.anchors]
    if not anchors:
        if not proof.faults:
            proof.said.append("no anchor was made yet: that the end of the trail was not cut off is proved by nothing")
        return proof
    newest = max(anchors, key=lambda anchor: (anchor.position, anchor.at))
    _say_newest(proof, trail, newest, sum(place.total for place in places))
    _say_worth(proof, trail, newest, places, keys)
    await _say_time_stamp(proof, anchors)
    return proof


def _disagreeing(trail: Trail, place: PlaceAnchors) -> list[str]:
    """The first anchor of the place that the trail contradicts; all after it do as well, or are few."""
    wrong: list[str] = []
    for anchor in sorted(place.anchors, key=lambda each: each.position):
        if fault := fault_by(anchor, trail.noted.get(anchor.position)):
            wrong.append(fault)
        elif anchor.key and anchor.key != trail.key_at(anchor.position):
            wrong.append(f"the anchor at record {anchor.position} is signed with another key than the trail names")
    if not wrong:
        return []
    more = f"; {len(wrong) - 1} later anchors disagree as well" if len(wrong) > 1 else ""
    return [f"{place.label}: {wrong[0]}{more}"]


def _expected(trail: Trail, keys: AnchorKeys) -> str:
    """Why there must be an anchor; empty where there need not be one."""
    if trail.signed_by:
        return f"record {trail.signed_by[0][0]} says that they were begun"
    if keys.own.exists():
        return f"{keys.own} exists, which is made with the first one"
    if keys.seal.exists():
        return f"{keys.seal} exists, which was made with the first one"
    if keys.private and trail.records:
        return f"{keys.private} is set to sign them and the trail has {trail.records} records"
    return ""


def _say_newest(proof: AnchorProof, trail: Trail, newest: Anchor, total: int) -> None:
    proof.said.append(
        f"{total} anchors; the newest is of {newest.at.isoformat(timespec='seconds')} and covers records 1 to {newest.position}"
    )
    if trail.end > newest.position:
        proof.said.append(f"{trail.end - newest.position} records after it could be cut off unseen")


def _say_worth(proof: AnchorProof, trail: Trail, newest: Anchor, places: Sequence[PlaceAnchors], keys: AnchorKeys) -> None:
    """How much the proof is worth: who could make all of it anew."""
    further = [place.label for place in places[1:] if place.anchors]
    proof.said.extend(f"anchors are signed with another key since record {since}" for since, _ in trail.signed_by[1:])
    if keys.private:
        try:
            named = load_signer(keys.private, make=False).fingerprint
        except AnchorKeyUnusable as unusable:
            proof.faults.append(str(unusable))
            return
        if newest.key != named:
            proof.faults.append(f"the newest anchor is not signed with {keys.private}, which the settings name")
    own = load_signer(keys.own, make=False).fingerprint if keys.own.exists() else ""
    inside = not newest.key or newest.key == own
    if further:
        proof.said.append(f"anchors lie in {', '.join(further)} as well: a trail that was made anew would contradict those")
    elif inside:
        proof.said.append(
            f"they are signed with a key of the data folder ({keys.own if newest.key else keys.seal}) and lie nowhere else: who can write "
            "to database, store and data folder could make trail and anchors anew; TELEMED_AUDIT_KEY and TELEMED_AUDIT_PLACES prevent it"
        )
    if not inside:
        proof.said.append(f"they are signed with a key outside of the data folder (SHA-256 {newest.key[:16]}...)")


async def _say_time_stamp(proof: AnchorProof, anchors: Sequence[Anchor]) -> None:
    stamped = [anchor for anchor in anchors if anchor.time_stamp]
    if not stamped:
        return
    from telemed.adapters.audit.time_stamps import proved

    newest = max(stamped, key=lambda anchor: (anchor.position, anchor.at))
    found = await proved(newest.time_stamp, newest.stamped)
    if found.fault or found.at is None:
        proof.faults.append(f"the anchor at record {newest.position}: {found.fault}")
        return
    at = found.at.isoformat(timespec="seconds")
    proof.said.append(
        f"records 1 to {newest.position} were there at {at} by the time stamp of {found.authority} (its certificate is not judged)"
    )
