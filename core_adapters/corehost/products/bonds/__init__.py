"""Treasury bonds: on sale, held, redeemed."""
