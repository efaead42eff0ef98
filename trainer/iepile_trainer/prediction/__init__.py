"""Files and folders in → answers or extractions as JSON lines, whatever interrupts it."""
