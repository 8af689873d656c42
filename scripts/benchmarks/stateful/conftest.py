"""How often each test runs: `--tests N`."""


def pytest_addoption(parser):
    parser.addoption("--tests", type=int, default=1)


def pytest_generate_tests(metafunc):
    metafunc.parametrize("number", range(metafunc.config.getoption("tests")))
