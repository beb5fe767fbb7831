"""What the seeded customers have of each product."""
