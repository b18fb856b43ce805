"""One run of one operation on one object: pay once, lose nothing.

A job's identity is its object's generation, its options as the operation understands them and the
version of the maths.  A finished result is looked for first; then the job is claimed under a lease,
run, and published under the generations that were seen.  Duplicates, late events, two instances at
once and instances that die all end in one result for each input, and an older input never
overwrites a newer one's result.
"""

from common.jobs.claim import LEASE_SECONDS
from common.jobs.job import MATHS_VERSION, Buckets, Job, Made, Source
from common.jobs.results import Found, find, places
from common.jobs.run import Ending, State, bury, refuse, run

__all__ = [
    "LEASE_SECONDS",
    "MATHS_VERSION",
    "Buckets",
    "Ending",
    "Found",
    "Job",
    "Made",
    "Source",
    "State",
    "bury",
    "find",
    "places",
    "refuse",
    "run",
]
