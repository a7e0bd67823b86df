"""Reports: tables, figures and a page, made from the saved predictions of runs, never from their logs."""
