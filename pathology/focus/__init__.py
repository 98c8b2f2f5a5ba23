"""Focus and tissue quality of a whole slide: a grid of cells, and the verdict `ok`, `look` or `rescan`."""

from pathology.focus.assessment import Assessment, Cell, Reason, Verdict, assess, judge
from pathology.focus.limits import LIMITS, Limit

__all__ = ["LIMITS", "Assessment", "Cell", "Limit", "Reason", "Verdict", "assess", "judge"]
