"""When the settings of a customization must show in a guest: oracle section H."""

from vcontract._check.settings.boots import BOOTING, BootsSeen, cuts_power
from vcontract._check.settings.guest import Blamed
from vcontract._check.settings.problems import Problems, broken, showed
from vcontract._check.settings.register import Problem, Settings
from vcontract._check.settings.values import label, name_given

__all__ = [
    "BOOTING",
    "Blamed",
    "BootsSeen",
    "Problem",
    "Problems",
    "Settings",
    "broken",
    "cuts_power",
    "label",
    "name_given",
    "showed",
]
