"""Every error a user can meet, as one tree, grouped by what to do next.

    ActstoreError
    |-- RequestError               the request is wrong: fix it, nothing was done          (exit code 2)
    |   |-- StudyError             the study file: key, type or dangling name
    |   |-- ModelError             a checkpoint can not be loaded or is of no known family
    |   |-- CorpusError            a text can not be read, is empty or too long
    |   |-- NotFoundError          no such checkpoint, corpus, run, site or store
    |   |-- NameTakenError         the name is bound to other weights or another text
    |   |-- AmbiguousRunError      several runs fit: name one
    |   |-- IncomparableRunsError  rows of different tokenisations
    |   |-- FormatVersionError     the store is of a newer format
    |   |-- AccessError            no permission to read or write there
    |   |-- ClusterError           no Ray there, or a node can not see the files
    |   |-- CapacityError          disk or memory can not hold what was asked
    |   `-- NotYetError            a part of the contract that is not built yet
    `-- WorkError                  the request was right, the work or the data failed      (exit code 1)
        |-- IncompleteRunError     shards are missing: extract again, or read with allow_partial
        |-- DamagedShardError      stored bytes are not what the receipt says: verify --repair
        |-- PrecisionError         a value does not fit the stored dtype, or is not finite
        |-- StorageError           the disk is full or failed while writing
        |-- BusyError              the service answers as many questions as it can: ask again
        |-- ServiceError           the service is not there, or broke off
        `-- UnitsFailedError       some units failed; the rest is stored

Messages say what was given, what is allowed and what to do next.
"""


class ActstoreError(Exception):
    """Root of the tree; `exit_code` is what the command line returns."""

    exit_code = 1


class RequestError(ActstoreError, ValueError):
    """The request is wrong; nothing was done."""

    exit_code = 2


class StudyError(RequestError):
    """A study file with an unknown key, a wrong type or a dangling name."""


class ModelError(RequestError):
    """A checkpoint that can not be loaded, hashed or hooked."""


class CorpusError(RequestError):
    """A text that can not be read, is empty, or does not fit its limits."""


class NotFoundError(RequestError, LookupError):
    """Nothing of that name in the store."""


class NameTakenError(RequestError):
    """A name that is already bound to something else."""


class AmbiguousRunError(RequestError):
    """Several runs fit; one has to be named."""


class IncomparableRunsError(RequestError):
    """Runs whose rows are not the same tokens."""


class FormatVersionError(RequestError):
    """A store whose format is newer than this code."""


class AccessError(RequestError, PermissionError):
    """No permission to read or write at the place given."""


class ClusterError(RequestError, ConnectionError):
    """No Ray cluster at the address, or its nodes can not see the files."""


class CapacityError(RequestError):
    """Disk or memory can not hold what was asked."""


class NotYetError(RequestError):
    """A documented part that this version does not have yet."""


class WorkError(ActstoreError, RuntimeError):
    """The request was right; the work or the stored data failed."""


class IncompleteRunError(WorkError):
    """A run with missing shards was read."""


class DamagedShardError(WorkError, OSError):
    """Stored bytes that are missing or differ from their receipt."""


class PrecisionError(WorkError, ArithmeticError):
    """A value that is not finite or does not fit the stored dtype."""


class StorageError(WorkError, OSError):
    """The disk is full, or failed while writing; what is stored stays."""


class BusyError(WorkError):
    """The service answers as many questions as it can at once; nothing was done."""


class ServiceError(WorkError, ConnectionError):
    """The service can not be reached, or broke off in the middle of an answer."""


class UnitsFailedError(WorkError):
    """Some units of work failed; everything finished is stored."""
