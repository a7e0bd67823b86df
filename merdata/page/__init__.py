"""One offline HTML page: figures, matrices and a table of utterances to filter, search and listen to."""
