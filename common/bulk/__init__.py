"""Asks that have time: answered by the provider's batches, over night, at half the price.

    an input -> Visit (one run) -> Asks (what waits) -> Office -> Sending -> the provider
                                                     <- Office <- Collecting <-

An input is run as ever, but for calls that no batch has answered yet: those are noted, and the run
ends as parked.  The office puts what waits into batches and takes answers in; an input whose asks
are answered is run again, and so goes on from stage to stage until it is done.
"""

from common.bulk.asks import Ask, Asks, Visit
from common.bulk.inputs import Inputs, Parked
from common.bulk.jobs import Job, Jobs
from common.bulk.office import Office
from common.bulk.provider import Tally
from common.bulk.till import Till

__all__ = ["Ask", "Asks", "Inputs", "Job", "Jobs", "Office", "Parked", "Tally", "Till", "Visit"]
