"""The remote diagnosis platform: five centres that share one case, one worklist and one patient timeline."""

VERSION = "0.1.0"
