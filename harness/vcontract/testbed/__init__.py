"""VMs brought into states: survey, driver, arranger, choice of VMs, clones, quarantine, health."""
