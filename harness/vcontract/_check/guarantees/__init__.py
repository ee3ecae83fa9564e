"""What many clients at once may not break, one file each; each takes a history operation by operation.

That every VM's history has a legal order is not here: it is in `vcontract._check.orders`.
"""

from vcontract._check.guarantees.blamed_task import BlamedTask
from vcontract._check.guarantees.breach import Breach, Guarantee
from vcontract._check.guarantees.guest_names import GuestNames
from vcontract._check.guarantees.kept_tasks import KeptTasks
from vcontract._check.guarantees.one_customization import OneCustomization
from vcontract._check.guarantees.own_sessions import OwnSessions
from vcontract._check.guarantees.replies import Replies
from vcontract._check.guarantees.task_lives import TaskLives

__all__ = [
    "BlamedTask",
    "Breach",
    "Guarantee",
    "GuestNames",
    "KeptTasks",
    "OneCustomization",
    "OwnSessions",
    "Replies",
    "TaskLives",
]
