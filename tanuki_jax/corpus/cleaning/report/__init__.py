"""Results of a cleaning run, in the terminal and as a page."""
