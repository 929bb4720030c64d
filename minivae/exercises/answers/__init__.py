"""A student's function and what it returns: called within limits (foreign, limits), taken in any usual form (forms)."""
