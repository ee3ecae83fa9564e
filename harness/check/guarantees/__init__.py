"""What many clients at once may not break, one file each; each takes a history operation by operation.

That every VM's history has a legal order is not here: it is in `harness.check.orders`.
"""

from harness.check.guarantees.blamed_task import BlamedTask
from harness.check.guarantees.breach import Breach, Guarantee
from harness.check.guarantees.guest_names import GuestNames
from harness.check.guarantees.kept_tasks import KeptTasks
from harness.check.guarantees.one_customization import OneCustomization
from harness.check.guarantees.own_sessions import OwnSessions
from harness.check.guarantees.replies import Replies
from harness.check.guarantees.task_lives import TaskLives

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
