"""From a render on a flat backing to a cutout that keeps the photo's own pixels."""
