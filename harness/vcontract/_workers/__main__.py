"""`python -m vcontract._workers FD`: one worker of `vcontract run --workers N`; it hears and speaks on that file descriptor."""

import sys

from vcontract._workers.worker_process import serve

serve(int(sys.argv[1]))
