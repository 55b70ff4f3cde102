"""What a cleaning run did, in the terminal and as a page."""
