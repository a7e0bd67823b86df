"""Reports: tables, figures and a page, made from the predictions that runs saved, never from their logs."""
