"""What many clients at once may not break, one file each; each takes a history operation by operation.

That every VM's history has a legal order is not here: it is in `vcontract.check.orders`.
"""

from vcontract.check.guarantees.blamed_task import BlamedTask
from vcontract.check.guarantees.breach import Breach, Guarantee
from vcontract.check.guarantees.guest_names import GuestNames
from vcontract.check.guarantees.kept_tasks import KeptTasks
from vcontract.check.guarantees.one_customization import OneCustomization
from vcontract.check.guarantees.own_sessions import OwnSessions
from vcontract.check.guarantees.replies import Replies
from vcontract.check.guarantees.task_lives import TaskLives

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
