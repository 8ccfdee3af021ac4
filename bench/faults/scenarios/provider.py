"""The provider fails in all the ways that a network knows. Each region has two endpoints, of which one is reached through a
proxy that fails; orgs call in three regions."""

import time

from stage import Cell
from tools import Load, Provider, Proxy, until
from trial import Trial, bad

TITLE = "A provider that is late, reset, half-open, silent, or drips"
SAID = ["504 provider_timeout", "502 provider_failed", "told provider_timeout", "told provider_failed"]
FAULTS = ["delay 4000", "reset", "half-open", "blackhole", "drip 1 400"]


class TwoEach(Cell):
    """Two endpoints in each region."""

    def start(self, nodes):
        self.second, self.failing = {}, {}
        for region in nodes:
            self.second[region] = Provider(self.options, self.words, self.pace_ms, self.wait_ms)
            self.failing[region] = Proxy(self.options, self.second[region].port)
            self.children += [self.second[region], self.failing[region]]
        super().start(nodes)

    def catalogue(self, region):
        text, routes = "", []
        for name in self.regions:
            for endpoint, port in [(f"{name}-good", self.providers[name].port), (f"{name}-bad", self.failing[name].port)]:
                text += (
                    f'[gateway.endpoints.{endpoint}]\nspeaks = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\nregion = "{name}"\n'
                    "first_token_timeout_ms = 2000\nidle_timeout_ms = 2000\nbreaker_open_ms = 2000\n"
                )
                routes.append(f'{{ endpoint = "{endpoint}" }}')
        self.gateway = f"{text}[gateway.models.fixed]\nejection = {{ duration_ms = 1000 }}\nroutes = [{', '.join(routes)}]\n"
        return super().catalogue(region)

    def asked(self, region):
        return self.providers[region].counted()["asked"] + self.second[region].counted()["asked"]


def tries(cell, result):
    return cell.metric("portico_provider_tries_total", endpoint="eu-bad", result=result)


def run(options):
    seconds, rounds = (10, 1) if options.short else (40, 1)
    trial = Trial("provider", TITLE)
    with TwoEach(options, {"us": 1, "eu": 2, "apac": 1}, words=20, pace_ms=50) as cell:
        for org in cell.orgs:
            trial.load(Load(cell, org, singles=3 if org.region == "eu" else 1, streams=3 if org.region == "eu" else 1, pause_ms=50))
        time.sleep(5)
        for fault in FAULTS * rounds:
            failed = tries(cell, "failed")
            with trial.fault(fault):
                for proxy in cell.failing.values():
                    proxy.say(fault)
                time.sleep(seconds)
            for proxy in cell.failing.values():
                proxy.say("reset")
                proxy.say("pass")
            failed = tries(cell, "failed") - failed
            trial.bar(f"{fault}: counts as a failure of the endpoint", f"{failed} tries failed", failed > 0)
            # The next fault finds an endpoint that is asked.
            until(lambda: not cell.metric("portico_provider_ejected"), 60, "all endpoints in")
            time.sleep(3)
        trial.stop()
        wholes, streams = trial.ended(stream=False), trial.ended(stream=True)
        trial.none("whole answers that failed and did not say that the provider did", bad(wholes, *SAID))
        trial.none("streams silently truncated", streams.get("truncated", 0))
        trial.none("streams that could not go on and did not say why (an error event, or a status before they began)", bad(streams, *SAID))
        good = sum(ended.get("ok", 0) for ended in (wholes, streams))
        trial.figures["success"] = f"{100 * good / len(trial.calls):.2f} %"
        slowest = max((call["ended"] - call["sent"] for call in trial.calls), default=0) / 1000
        trial.bar("the slowest call of all is over within 30 s", f"{slowest:.1f} s", slowest <= 30)
        trial.judged(cell)
        for region in cell.regions:
            begun = sum(1 for load in trial.loads if load.org.region == region for call in load.calls)
            trial.figures[f"asked-{region}"] = f"{cell.asked(region)} at the providers, {begun} calls"
        return trial
