"""What every function shares: pictures in, models asked, pictures composed, results kept."""
