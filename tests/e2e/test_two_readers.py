"""Two readers of the same bytes agree: what stands in front of evhttp, and evhttp. One answer for each
request, none to the bytes of a body, whatever the head says; counted on the wire and in the metrics."""

import itertools
import random
import re

import heads
from processes import eventually
from test_tls import keys, serve  # noqa: F401 (fixtures)

COUNT = 8000
FAULTS_MAX = 20
SILENCE = 5  # only a fault waits so long


def read_all(connection):
    """Everything up to the end that the server makes, and whether it made one."""
    received = b""
    try:
        while piece := connection.recv(1 << 16):
            received += piece
    except ConnectionResetError:
        pass
    except TimeoutError:
        return received, False
    return received, True


def answers_of(received, methods):
    """(status, headers, body) one after the other, to requests with these methods. Interim ones are left
    out."""
    answers = []
    while received:
        head, found, rest = received.partition(b"\r\n\r\n")
        line = re.match(rb"HTTP/1\.[01] (\d\d\d) ", head)
        if not line or not found:
            answers.append((0, {}, received))
            break
        status = int(line[1])
        headers = {name.lower(): value.strip() for name, _, value in
                   (field.partition(b":") for field in head.split(b"\r\n")[1:])}
        if status == 100:
            received = rest
            continue
        bodyless = status in (204, 304) or methods[len(answers):len(answers) + 1] == ["HEAD"]
        length = 0 if bodyless else int(headers.get(b"content-length", len(rest)))
        answers.append((status, headers, rest[:length]))
        received = rest[length:]
    return answers


def fault_of(case, received, ended):
    """None, or what is wrong with these answers."""
    answers = answers_of(received, [case.method])
    statuses = [status for status, _, _ in answers]
    if not ended:
        return f"the server waits for more: {statuses}"
    if b" 410 Gone" in received:
        return f"a body was answered: {statuses}"
    expected = 2 if case.served and not case.closes else 1
    if len(answers) != expected or 0 in statuses:
        return f"{expected} answers expected: {answers}"
    status, headers, body = answers[0]
    if case.served and status not in case.status():
        return f"{case.status()} expected: {status}"
    if not case.served and not 400 <= status <= 505:
        return f"it should have been refused: {status}"
    if (expected == 1) != (headers.get(b"connection") == b"close"):
        return f"what it says of the connection is wrong: {headers}"
    if case.method == "HEAD" and (body or not int(headers[b"content-length"])):
        return f"an answer to HEAD: {headers}, {body}"
    if status == 204 and (b"content-length" in headers or b"OPTIONS" not in headers[b"allow"]):
        return f"an answer to OPTIONS: {headers}"
    if expected == 2 and (statuses[1] != 200 or b'"database"' not in answers[1][2]):
        return f"the second answer is not of the second request: {answers[1]}"
    return None


def ask(server, data, dice):
    """In one piece, or in two or three that arrive apart."""
    cuts = sorted(dice.randrange(len(data)) for _ in range(dice.choice([0, 0, 1, 2])))
    with server.connect_raw() as connection:
        connection.settimeout(SILENCE)
        try:
            for start, end in zip([0, *cuts], [*cuts, len(data)]):
                connection.sendall(data[start:end])
        except ConnectionError:
            pass  # refused before it was all sent
        return read_all(connection)


def counted(server):
    """How many requests the server counted, this one left out, and how often its readers disagreed."""
    metrics = server.get("/metrics")[1]
    requests = sum(int(line.rpartition(" ")[2]) for line in metrics.splitlines()
                   if line.startswith("uic_http_requests_total{"))
    return requests, int(re.search(r"^uic_http_readers_disagreed_total (\d+)$", metrics, re.M)[1])


def hold_against(server, cases):
    """Asks every case, and returns how many there were and the answers."""
    dice = random.Random(15)
    faults, answered, count = [], 0, 0
    for case in cases:
        received, ended = ask(server, case.bytes, dice)
        fault = fault_of(case, received, ended)
        answered += len(answers_of(received, [case.method]))
        count += 1
        if fault:
            faults.append(f"{case.name}: {fault}")
            if len(faults) == FAULTS_MAX:
                break
    assert not faults, f"{len(faults)} faults in {count}:\n" + "\n".join(faults)
    return count, answered


def test_one_answer_for_each_request_and_none_to_a_body(shared):
    before = counted(shared)[0]
    count, answered = hold_against(shared, heads.all_cases(COUNT))
    assert count >= 5000
    # The metrics that are asked for are requests too.
    eventually(lambda: counted(shared)[0] - before >= answered, "all are counted")
    assert counted(shared)[1] == 0


def test_under_tls_too(serve):
    server = serve()
    hold_against(server, itertools.islice(heads.all_cases(COUNT), 0, None, 20))
    assert counted(server)[1] == 0


def test_many_requests_behind_each_other_are_answered_in_their_order(shared):
    dice = random.Random(17)
    for cases in heads.pipelines(300):
        received, ended = ask(shared, b"".join(case.head + case.body for case in cases), dice)
        answers = answers_of(received, [case.method for case in cases])
        names = "\n".join(case.name for case in cases)
        assert ended and len(answers) == len(cases), names
        for case, (status, headers, _) in zip(cases, answers):
            assert status in case.status(), names
            assert (headers.get(b"connection") == b"close") == case.closes, names
        assert b" 410 Gone" not in received
    assert counted(shared)[1] == 0
