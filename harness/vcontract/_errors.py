"""Our own mistakes and our user's; what a target does wrong is a value (a finding), never an exception.

HarnessError
├── UsageError           exit 2: the command line or a file that the user wrote cannot be used
│   ├── ContractError    a contract file: unknown key, unknown condition, contradiction
│   └── SchemaError      a WSDL or an API version: unknown, unreadable, looping
├── TargetError          exit 3: the target cannot be reached, is no vCenter, or refuses the login
│   ├── RefusedLoginError  exit 3: it refused this account before, which is not tried again
│   └── AbsentError      exit 5: it can, but has not the object whose contract is to be judged
├── HaltedError          exit 3: the run ended, or a call was not sent: the target is gone, or going on might do harm
│   ├── ClaimedError     another run uses the VM, or this one may not any more
│   ├── SharedHostError  a host is to stay, for a VM is on it that is not ours, or that cannot be known
│   └── UnseenError      the marks of its VM could not be read, for no answer came
├── ReportError          exit 3: what was found out could not be written, as the disk is full
└── RunFileError         exit 2: a saved run is missing, truncated or of another format
"""


class HarnessError(Exception):
    """The root; its text is one line that says what is wrong and where, fit to be shown as it is."""

    exit_code = 4


class UsageError(HarnessError):
    """Something the user wrote cannot be used."""

    exit_code = 2


class ContractError(UsageError):
    """A contract file breaks its own rules."""


class SchemaError(UsageError):
    """A WSDL or an API version cannot be used."""


class TargetError(HarnessError):
    """The target cannot be tested: unreachable, no vCenter, or it refuses the login."""

    exit_code = 3


class RefusedLoginError(TargetError):
    """The target refused a login of this account before, and none was sent: accounts get locked."""


class AbsentError(TargetError):
    """The target has not the object whose contract is to be judged: a run of it says `untested`, row by row."""

    exit_code = 5


class HaltedError(HarnessError):
    """The run stopped: the target is gone, or going on might harm foreign objects or an overloaded server."""

    exit_code = 3


class UnseenError(HaltedError):
    """A call was not sent, because the read of its VM's marks got no answer; a caller that expects lost answers may go on."""


class ClaimedError(HaltedError):
    """Nothing was begun, or a call was not sent: another run claims the VM, or the claim of this one is over."""


class SharedHostError(HaltedError):
    """A host was not disconnected: a VM is on it that is not ours, or it cannot be known; a caller may do without."""


class ReportError(HarnessError):
    """What was found out could not be written where it was to go."""

    exit_code = 3


class RunFileError(UsageError):
    """A saved run cannot be read."""
