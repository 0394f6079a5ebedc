"""Fixtures that every test may ask for; see the modules for what each gives."""

pytest_plugins = ["tests.support.servers", "tests.support.stack", "tests.support.browser"]
