"""What runs inside the cage: the process that forks, and the run of one piece of code."""
