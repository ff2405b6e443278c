"""The devices of the plant as they look from the wire: controllers, meters, readers."""
