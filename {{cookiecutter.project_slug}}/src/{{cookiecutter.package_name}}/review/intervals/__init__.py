"""How sure a number is: every metric of candidate and champion, and their difference, with an interval."""
