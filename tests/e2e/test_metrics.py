"""What Prometheus gets to see: a text that its own checker accepts, figures that are right, names that
the guide explains and that our alerts and our dashboard use."""

import http.client
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from phone import WEBHOOK, Phone, exchange_bytes
from processes import PATIENCE, eventually
from production import ROOT, Nginx
from texts import JEAN

TOKEN = "0123-metrics-token-xyz"
PROMETHEUS = ROOT / "packaging/prometheus"
DASHBOARD = ROOT / "packaging/grafana/whatsapp-uic.json"
NAME = re.compile(r"\b(?:uic|process)_[a-z_]+\b")
SELECTOR = re.compile(r"\b((?:uic|process)_[a-z_]+)\{([^}]*)\}")


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True,
                          text=True, timeout=PATIENCE * 10)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def declared(text, what):
    """{name: rest} of the lines # HELP or # TYPE."""
    return dict(line.split(" ", 3)[2:] for line in text.splitlines()
                if line.startswith(f"# {what} "))


def expressions(dashboard_alone=False):
    """Every PromQL expression of the alerts and the dashboard."""
    rules = (PROMETHEUS / "whatsapp-uic.rules.yml").read_text(encoding="utf-8")
    found = re.findall(r"expr: >-\n(.*?)\n {8}\w", rules, re.S)
    assert len(found) == rules.count("- alert:")
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(panels) > 20
    return panels if dashboard_alone else found + panels


@pytest.fixture(scope="module")
def scrape(shared):
    """The text after all kinds of things have happened."""
    with Phone(shared) as phone:
        phone.say_all("Bonjour", *JEAN)
        phone.post("Body=%ff")
    shared.get("/nothing")
    exchange_bytes(shared, b"GET / HTTP/9\r\n\r\n")
    return shared.get("/metrics")[1]


def test_the_checker_of_prometheus_accepts_the_text(scrape):
    assert promtool("check", "metrics", text=scrape).strip() == ""


def test_every_metric_has_help_and_type(scrape):
    help_texts, types = declared(scrape, "HELP"), declared(scrape, "TYPE")
    assert help_texts.keys() == types.keys()
    assert all(help_texts.values())
    for line in scrape.splitlines():
        if not line.startswith("#"):
            name = re.match(r"\w+", line)[0]
            histogram = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in types or types[histogram] == "histogram", line


def test_the_guide_explains_every_metric_and_no_other(scrape):
    guide = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    table = guide.partition("| metric | what it is |\n")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()]
    assert sorted(NAME.findall(" ".join(rows))) == sorted(declared(scrape, "TYPE"))


def test_alerts_and_dashboard_use_only_what_there_is(scrape):
    names = {re.match(r"\w+", line)[0] for line in scrape.splitlines() if not line.startswith("#")}
    for expression in expressions():
        assert set(NAME.findall(expression)) <= names, expression
        for name, labels in SELECTOR.findall(expression):
            series = [line for line in scrape.splitlines() if line.startswith(name)]
            for label in re.findall(r'(\w+="[^"$]+")', labels):
                assert label.startswith("job=") or any(label in line for line in series), expression


def test_the_dashboard_shows_every_metric(scrape):
    shown = " ".join(expressions(dashboard_alone=True))
    missing = [name for name in declared(scrape, "TYPE") if not re.search(rf"\b{name}(_bucket|_sum)?\{{", shown)]
    assert missing == []


def test_the_panels_lie_side_by_side():
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    taken = [(x, y) for panel in panels for place in [panel["gridPos"]]
             for x in range(place["x"], place["x"] + place["w"])
             for y in range(place["y"], place["y"] + place["h"])]
    assert len(set(taken)) == len(taken) and max(x for x, _ in taken) == 23


def test_every_expression_of_the_dashboard_is_promql(tmp_path):
    rules = [{"record": f"uic:{number}", "expr": re.sub(r"\$__rate_interval", "5m", expression)}
             for number, expression in enumerate(expressions())]
    path = tmp_path / "rules.json"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", path)


def test_the_rules_and_the_configuration_are_accepted():
    promtool("check", "rules", PROMETHEUS / "whatsapp-uic.rules.yml")
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


def test_each_alert_fires_when_it_should_and_no_other_does():
    cases = sorted((ROOT / "tests/package").glob("alerts*.yml"))
    promtool("test", "rules", *cases)
    alerts = re.findall(r"- alert: (\w+)", (PROMETHEUS / "whatsapp-uic.rules.yml").read_text())
    assert set(re.findall(r'alertname="(\w+)"', "".join(map(Path.read_text, cases)))) == set(alerts)


def test_each_alert_says_what_to_do_in_both_languages():
    rules = (PROMETHEUS / "whatsapp-uic.rules.yml").read_text(encoding="utf-8")
    for alert in rules.split("- alert: ")[1:]:
        for annotation in ("summary", "action", "summary_en", "action_en"):
            assert f"\n          {annotation}: " in alert, alert
        assert re.search(r"severity: (critical|warning|info)\}", alert), alert


def test_a_conversation_is_counted_and_measured(start):
    server = start(WORKERS=2)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN)
        messages = 1 + len(JEAN)
        phone.say("Encore")
    found = server.counts()
    assert found["uic_messages_total"] == messages + 1
    assert found['uic_http_requests_total{route="webhook",status="200"}'] == messages + 1
    assert found["uic_message_duration_seconds_count"] == messages + 1
    assert found['uic_message_duration_seconds_bucket{le="+Inf"}'] == messages + 1
    assert found["uic_message_duration_seconds_sum"] > 0
    operation = 'uic_store_operation_duration_seconds_count{operation="%s"}'
    assert found[operation % "session_load"] == messages + 1
    # The last answer is saved twice: before its code is claimed, and with it.
    assert found[operation % "session_save"] == messages + 2
    assert found[operation % "claim"] == 1
    assert found[operation % "outbox_put"] == 0
    assert found["uic_commit_duration_seconds_count"] == 1
    assert found["uic_commit_claims_sum"] == 1
    assert found["uic_codes_total"] == 1
    assert found["uic_messages_in_flight"] == 0


def test_requests_are_counted_by_route_and_status(start):
    server = start(WORKERS=2)
    before = server.counts()
    for path in ("/health", "/whatsapp/health", "/nothing", "/nothing/either", WEBHOOK, "/"):
        server.get(path)
    exchange_bytes(server, b"GET / HTTP/9\r\n\r\n")
    after = server.counts()
    new = {series: after[series] - before.get(series, 0) for series in after
           if series.startswith("uic_http_requests_total")}
    assert {series.split("{")[1]: count for series, count in new.items() if count} == {
        'route="health",status="200"}': 2, 'route="other",status="404"}': 2,
        'route="other",status="505"}': 1, 'route="webhook",status="405"}': 1,
        'route="root",status="200"}': 1, 'route="metrics",status="200"}': 1}


def test_the_process_and_its_limits_are_told(start):
    server = start(WORKERS=2, MAX_CONNECTIONS=100, MAX_IN_FLIGHT=50)
    found = server.counts()
    assert found["uic_workers"] == 2
    assert found["uic_connections_limit"] == 100
    assert found["uic_messages_in_flight_limit"] == 50
    assert found["uic_connections_open"] >= 1
    assert found["process_resident_memory_bytes"] > 1 << 20
    assert 5 < found["process_open_fds"] < found["process_max_fds"]
    assert found["process_cpu_seconds_total"] > 0
    assert found["process_start_time_seconds"] > 1_700_000_000


def test_open_files_are_counted_exactly(start):
    server = start(WORKERS=2)
    crowd = [server.connect_raw() for _ in range(300)]
    listing = f"/proc/{server.process.pid}/fd"
    eventually(lambda: server.counts()["process_open_fds"] >= 300, "the crowd is there")
    eventually(lambda: server.counts()["process_open_fds"] == len(os.listdir(listing)),
               "as many as the kernel lists")
    for connection in crowd:
        connection.close()


def test_the_state_of_the_stores_is_told(start, redis):
    server = start(REDIS_URL=redis.url, WORKERS=2)
    sessions, records = 'uic_store_up{store="sessions"}', 'uic_store_up{store="records"}'
    found = server.counts()
    assert (found[sessions], found[records], found["uic_ready"]) == (1, 1, 1)
    redis.kill()
    eventually(lambda: server.counts()[sessions] == 0, "the loss is told")
    found = server.counts()
    assert (found[records], found["uic_ready"]) == (1, 0)
    redis.start()
    eventually(lambda: server.counts()["uic_ready"] == 1, "the return is told")


def test_instances_with_different_flow_files_can_be_told_apart(start, tmp_path):
    def build(server):
        return next(series for series in server.counts() if series.startswith("uic_build_info"))

    flow = (ROOT / "flow/definitions/ciu-rdc.json").read_text(encoding="utf-8")
    changed = tmp_path / "flow.json"
    changed.write_text(flow.replace("Bonjour", "Mbote"), encoding="utf-8")
    assert changed.read_text(encoding="utf-8") != flow
    usual = build(start())
    assert usual == build(start())
    assert usual != build(start(FLOW_FILE=changed))


def test_with_a_token_only_who_brings_it_reads_the_metrics(start):
    server = start(METRICS_TOKEN=TOKEN)

    def ask(authorization):
        connection = server.connect()
        connection.request("GET", "/metrics",
                           headers={"Authorization": authorization} if authorization else {})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body, response.headers

    assert "\nuic_metrics_refused_total 0\n" in ask(f"Bearer {TOKEN}")[1]
    for wrong in (None, TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}",
                  f"Bearer {TOKEN.upper()}", f"Basic {TOKEN}"):
        status, body, headers = ask(wrong)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer"), wrong
        assert "uic_" not in body and TOKEN not in body
    assert ask(f"Bearer {TOKEN}")[0] == 200
    assert "uic_messages_total" in ask(f"bearer {TOKEN}")[1]
    assert server.get("/health")[0] == 200
    assert TOKEN not in server.log()
    assert "\nuic_metrics_refused_total 3\n" in ask(f"Bearer {TOKEN}")[1]


PROXIES_SAY = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-For", "127.0.0.1"),
               ("x-forwarded-for", "nobody"), ("X-Real-IP", "192.0.2.7"), ("Via", "1.1 proxy"),
               ("Forwarded", "for=192.0.2.7"), ("X-Forwarded-Proto", "https")]


@pytest.mark.parametrize("trusted", ["127.0.0.1,::1", "none"])
def test_in_production_this_machine_alone_reads_them_without_a_token(start, trusted):
    """A proxy on the loopback speaks for a stranger, whether it is believed or not."""
    production = {"ENVIRONMENT": "production", "ADMIN_TOKEN": "admin-Token_1234567",
                  "PUBLIC_URL": "https://ciu.exemple.cd", "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
                  "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
                  "TRUSTED_PROXIES": trusted, "RUN_AS_USER": "root" if os.getuid() == 0 else None,
                  "UIC_SALT": "zR0q3mVYkK8wQvJ5d2T7xN9bLhCeFgUoAiSpE1tXyWs"}
    server, open_to_all = start(**production), start(TRUSTED_PROXIES=trusted)

    def ask(where, *header):
        connection = where.connect()
        connection.request("GET", "/metrics", headers=dict([header] if header else []))
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert (b"uic_" in body) == (response.status == 200)
        return response.status

    assert ask(server) == 200
    for header in PROXIES_SAY:
        assert ask(server, *header) == 401, header
        assert ask(open_to_all, *header) == 200, header
    with_token = start(**production, METRICS_TOKEN=TOKEN)
    assert ask(with_token) == 401
    assert ask(with_token, "Authorization", f"Bearer {TOKEN}") == 200


def test_they_do_not_tell_new_codes_from_others(start):
    server = start()
    with Phone(server) as first, Phone(server) as second:
        for phone in (first, second, second):
            phone.say_all("Bonjour", *JEAN)
    text = server.get("/metrics")[1]
    assert [line for line in text.splitlines() if "codes" in line.split(" ")[0]] == [
        'uic_limit_reached_total{limit="codes_per_day"} 0', "uic_codes_total 3",
        "uic_codes_lengthened_total 0"]
    assert not re.search(r'"(new|existing)"', text)


def test_nginx_does_not_pass_the_metrics_on(start, tmp_path):
    with Nginx(tmp_path / "nginx", [start().port, start().port]) as nginx:
        for path, status in {"/health": 200, "/metrics": 404, "/metrics?x=1": 404,
                             "/%6detrics": 404, "//metrics": 404}.items():
            connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=PATIENCE)
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status == status, path
            assert b"uic_" not in response.read()
            connection.close()
