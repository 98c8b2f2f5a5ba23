"""Kinds of jobs. The platform's own are here; a centre with evidence of its own adds an enum of its own."""

from __future__ import annotations

from enum import StrEnum


class JobType(StrEnum):
    """Base of the kinds of jobs; has no members, so that centres may extend it."""


class JobKind(JobType):
    """Jobs of the platform itself. Values stand in the rows of jobs that wait: one that is renamed needs a migration."""

    MATCH_STUDY = "match-study"
    """A study came or grew: find its case."""
    MATCH_UNMATCHED = "match-unmatched"
    """A case is new: ask the studies again that have none."""
    MATCH_STEP = "match-step"
    """A modality reported a procedure step: find its case."""
    COMPLETE_STUDY = "complete-study"
    """A study has come to rest: tell its cases."""
    ASSESS_STUDY = "assess-study"
    """Measure the quality of a study's images."""
    ASK_MODEL = "ask-model"
    """Have a study judged by the model that the settings name."""
    COMPACT_STUDY = "compact-study"
    """Store a study at rest in less space."""
    SEND_STUDY = "send-study"
    """Send a study to a device of the network."""
    COMPARE_IDENTITIES = "compare-identities"
    """Compare what a case's evidence states of the patient with the case once more."""
    BACK_UP = "back-up"
    """Make a backup where the settings say."""
    FETCH_PRIORS = "fetch-priors"
    """Fetch the patient's earlier studies from an archive."""
