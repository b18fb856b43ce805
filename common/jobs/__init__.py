"""One run of one operation on one object: pay once, lose nothing.

A job's identity is its object's generation, its options as the operation understands them and the
version of the maths.  A finished result is looked for first; then the job is claimed under a lease,
run, and published under the generations that were seen.  Duplicates, late events, two instances at
once and instances that die all end in one result for each input, and an older input never
overwrites a newer one's result.
"""

from common.jobs import manifest
from common.jobs.claim import LEASE_SECONDS, claimed
from common.jobs.inputs import RECIPE, is_input
from common.jobs.job import MATHS_VERSION, Buckets, Job, Made, Source
from common.jobs.results import Found, failures, find, places
from common.jobs.run import Ending, State, bury, is_good, refuse, run
from common.jobs.sweep import Parking, Portion, last_summary, sweep
from common.jobs.walk import Seen, Walk

__all__ = [
    "LEASE_SECONDS",
    "MATHS_VERSION",
    "RECIPE",
    "Buckets",
    "Ending",
    "Found",
    "Job",
    "Made",
    "Parking",
    "Portion",
    "Seen",
    "Source",
    "State",
    "Walk",
    "bury",
    "claimed",
    "failures",
    "find",
    "is_good",
    "is_input",
    "last_summary",
    "manifest",
    "places",
    "refuse",
    "run",
    "sweep",
]
