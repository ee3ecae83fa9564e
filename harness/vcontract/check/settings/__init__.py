"""When the settings of a customization must show in a guest: oracle section H."""

from vcontract.check.settings.boots import BOOTING, BootsSeen, cuts_power
from vcontract.check.settings.guest import Blamed
from vcontract.check.settings.problems import Problems, broken, showed
from vcontract.check.settings.register import Problem, Settings
from vcontract.check.settings.values import label, name_given

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
