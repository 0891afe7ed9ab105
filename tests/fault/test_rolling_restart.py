"""One instance after the other is restarted behind nginx while people write, and nobody notices."""

import time

from audit import Audit
from people import Crowd, Provider


def test_a_rolling_restart_loses_no_message(set_up):
    # Redis is left alone here, and must not be slow because the disk is.
    stage = set_up("sqlite", broken="redis-memory")
    crowd = Crowd(Provider([stage.nginx.port] * 2), seed=1)
    playing = stage.start_task(crowd.play(at_once=64))
    for instance in stage.instances * 2:
        instance.stop()
        instance.start()
        time.sleep(1)  # it is there again for a moment before the other one goes
    crowd.closing = True
    playing.result()
    assert crowd.provider.counts.keys() == {"deliveries"}, crowd.provider.counts
    assert crowd.counts["told unavailable"] == 0
    audit = Audit(crowd, stage.database.records())
    assert audit.good, "\n".join(audit.lines())
    stage.on_loop(crowd.provider.close)
