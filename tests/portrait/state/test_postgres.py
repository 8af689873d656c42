"""A state in PostgreSQL: lost connections, poolers, rights, and whose clock counts."""

import psycopg
import pytest

from portrait.clock import ManualClock
from portrait.errors import Retry, StateError
from portrait.state import Claim, Holder, Key, open_state
from portrait.state.database import RETRIES
from portrait.state.schema import CLAIMS
from tests.portrait.state.workers import POOL, begin, change, find, holders, lease, pending, replacement_age

KEY = Key("account", "group-1", "digest")


@pytest.fixture
def state(server_place):
    """A state in an empty schema."""
    state = server_place.open()
    state.check()
    return state


@pytest.fixture
def end_connections(postgres):
    """Ends every connection but its own, as a server that is restarted does."""

    def end(state):
        pids = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({pids})")

    return end


def scalar(state, statement):
    """What a statement gives on the connection of the state."""
    return state._database.write(lambda transaction: transaction._connection.exec_driver_sql(statement).scalar())


def test_connections_that_are_lost_between_calls_are_made_anew(state, end_connections):
    """Nobody notices."""
    claim = state.claims.acquire(KEY, 30)
    end_connections(state)
    assert state.claims.renew(claim, 30)


def test_a_lease_survives_the_loss_of_the_connections(state, end_connections):
    """It is renewed, recorded and given back over new ones."""
    lease(state, "x", a=None)
    for call in (
        lambda: state.pools.settle(POOL, "x", {"a": "asset-a"}, 30),
        lambda: state.pools.renew(POOL, "x", 30) == 1,
        lambda: state.pools.lease_known(POOL, "y", ["a"], 30).ids == {"a": "asset-a"},
        lambda: state.pools.release(POOL, "x") is None,
    ):
        end_connections(state)
        assert call()
    assert [holder for _, holder, _, _ in holders(state)] == ["y"]


def test_a_connection_that_is_lost_in_the_middle_is_made_anew(state, end_connections):
    """The transaction is done again, whole."""
    runs = []

    def work(transaction):
        runs.append(transaction)
        transaction.insert(CLAIMS, [{**KEY._asdict(), "token": "t", "expires_at": transaction.now() + 60}])
        if len(runs) == 1:
            end_connections(state)
        return transaction.now()

    state._database.write(work)
    assert len(runs) == 2
    assert isinstance(state.claims.acquire(KEY, 30), Holder)


WRITES = {
    "claim": (lambda state: state.claims.acquire(KEY, 30), "claims"),
    "begin": (lambda state: begin(state, KEY), "creates"),
    "lease": (lambda state: lease(state, "x", a=None), "leases"),
    "wait": (lambda state: change(state, "x", waits=True), "waiters"),
    "evict": (lambda state: change(state, "x", victims={"asset-a": "a"}), "pool_assets"),
    "erasure": (lambda state: state.erasures.record([KEY], "group-1", ["s3://b/1"]), "erased_objects"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_commit_whose_answer_is_lost_is_done_again_to_the_same_effect(state, monkeypatch, write):
    """It took effect, and nobody heard: the second try finds its own work."""
    commit, lost = psycopg.Connection.commit, []

    def lossy(connection):
        commit(connection)
        if not lost:
            lost.append(connection)
            connection.close()
            raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(psycopg.Connection, "commit", lossy)
    done, table = WRITES[write]
    result = done(state)
    assert len(lost) == 1
    assert not isinstance(result, Holder)
    assert state.report().rows[f"portrait_{table}"] == 1


def test_a_server_that_stays_away_is_an_error_after_a_bounded_time(tmp_path):
    """The pauses grow, and end; the password is nowhere."""
    clock = ManualClock()
    started = clock.monotonic()
    state = open_state(f"postgresql://user:sesame@/database?host={tmp_path}", clock)
    with pytest.raises(StateError) as caught:
        state.claims.acquire(KEY, 30)
    assert caught.value.retry is Retry.BACKOFF
    assert clock.monotonic() - started == pytest.approx(0.1 * (2 ** (RETRIES - 1) - 1))
    assert "sesame" not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"


def test_no_statement_stays_prepared(state):
    """A pooler in transaction mode gives the next transaction another connection, which does not know it."""
    for _ in range(10):
        find(state, KEY)
    assert scalar(state, "SELECT count(*) FROM pg_prepared_statements") == 0


def test_nothing_of_a_session_is_needed(state):
    """A pooler may hand over a session that was reset, or one in which somebody set another isolation."""
    scalar(state, "SELECT set_config('default_transaction_isolation', 'serializable', false)")
    claim = state.claims.acquire(KEY, 30)
    assert isinstance(state.claims.acquire(KEY, 30), Holder)
    state.claims.release(claim)
    assert scalar(state, "SHOW transaction_isolation") == "read committed"


@pytest.mark.parametrize(("durable", "level"), [(True, "on"), (False, "off")])
def test_a_commit_waits_for_the_disk_where_something_follows_from_it(state, durable, level):
    """The setting ends with the transaction: the next one, of whomever, has its own."""

    def work(transaction):
        return transaction._connection.exec_driver_sql("SHOW synchronous_commit").scalar()

    assert state._database.write(work, durable=durable) == level
    with state._database._open.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_the_databases_clock_counts(server_place):
    """The clocks of machines disagree: a claim ends for all of them at once."""
    slow, fast, other = ManualClock(0.0), ManualClock(4e9), KEY._replace(item="other")
    first, second = (open_state(server_place.location, clock) for clock in (slow, fast))
    with first, second:
        assert isinstance(first.claims.acquire(KEY, 30), Claim)
        assert 29 < second.claims.acquire(KEY, 30).seconds <= 30
        begin(second, other)
        assert 0 <= pending(first, other).age < 5


def test_a_check_notices_that_nothing_can_be_written(state, server_place):
    """Although all can be read."""
    location = f"{server_place.location}%20-cdefault_transaction_read_only%3Don"
    with open_state(location, server_clock=server_place.clock) as standby:
        assert replacement_age(standby) is None
        with pytest.raises(StateError, match="read-only"):
            standby.check()


REFUSALS = {
    "another schema": ("SELECT 1", "the right to create tables"),
    "no rights": ("GRANT USAGE ON SCHEMA {schema} TO {user}", "the right to create tables"),
    "a standby": (
        "GRANT ALL ON SCHEMA {schema} TO {user}; ALTER ROLE {user} SET default_transaction_read_only = on",
        "leads to a server that only reads",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_the_server_refuses_is_told_with_advice(postgres, server_place, refusal):
    """By its SQLSTATE; another try would not help."""
    statement, advice = REFUSALS[refusal]
    schema = server_place.location.rpartition("3D")[2]
    user = f"user_{schema}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN; {statement.format(schema=schema, user=user)}")
    with (
        open_state(server_place.location.replace("postgres:@", f"{user}:@")) as state,
        pytest.raises(StateError) as caught,
    ):
        state.check()
    assert advice in caught.value.advice
    assert caught.value.retry is Retry.NEVER
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {user}; DROP ROLE {user}")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (psycopg.errors.UniqueViolation("twice"), False),
        (psycopg.errors.AdminShutdown("down"), True),
        (psycopg.OperationalError("the server closed the connection"), True),
        (OSError(111, "Connection refused"), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_of_the_driver_itself_is_judged_as_one_of_the_engine(state, error, passes):
    """Where a connection is made there is no engine in between."""
    assert state._database._backend.may_pass(error) is passes
