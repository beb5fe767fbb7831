"""What supervisors see and do of everybody's calls, and the wallboard."""
