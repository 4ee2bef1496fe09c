"""A library, which a template of the App imports before its orders come."""
