"""Everything that touches the world: interpretation, delivery, tidying up."""
