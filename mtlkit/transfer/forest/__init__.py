"""Forests grown on a source and adapted to a target; `mtlkit.transfer` exports them."""
