from tests.support.browser import browser, watched  # noqa: F401 - fixtures of this folder
