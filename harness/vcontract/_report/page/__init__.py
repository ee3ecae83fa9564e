"""The report as one page that needs nothing else: no server, no network, no script but for filters and copying."""
