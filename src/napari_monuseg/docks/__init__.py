"""The docks: gather the choices, start the job, show the result."""
