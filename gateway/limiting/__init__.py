"""How much a caller may ask of the API: who is counted, by what quota, and where the counts are."""
