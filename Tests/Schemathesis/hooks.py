"""Makes schemathesis reach what exists, and say what the schemas cannot say.

Ids that it made up are replaced by ids of real objects, half of the time in paths and always in bodies; the objects are
made at the first request. `deploy/test-api` names this module.
"""

import json
import os
import random
import re
import threading
import time
import urllib.error
import urllib.request
import uuid

import schemathesis

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NONE = "00000000-0000-0000-0000-000000000000"
URL = os.environ["CARILLON_URL"]
KEY = os.environ["CARILLON_ACCESS_KEY"]

# Which kind of object a field of a body names.
REFERENCES = {
    "outplan_id": "outplan", "outdial_id": "outdial", "queue_id": "queue", "flow_id": "flow",
    "wait_flow_id": "flow", "on_complete_flow_id": "flow", "campaign_id": "campaign", "next_campaign_id": "campaign",
}
JUMPS = {"next_id", "target_id", "false_target_id", "default_target_id"}


def send(method, path, body=None):
    """One request beside those of the test; None when it is refused."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        return None


class World:
    """The objects that ids of paths and bodies may name."""

    def __init__(self):
        self.random = random.Random(7)
        self.count = 0
        self.ids = {}
        self.targets = {}
        # The key of the test itself.
        self.own = send("GET", "/v1.0/me")["id"]
        for _ in range(3):
            for kind in ("outdial", "outplan", "queue", "flow", "campaign", "accesskey", "agent", "dnclist"):
                self.keep(kind, self.make(kind))
        for outdial in self.ids["outdial"]:
            self.targets[outdial] = [self.make_target(outdial) for _ in range(3)]
        self.dial()

    def keep(self, kind, identifier):
        if identifier:
            self.ids.setdefault(kind, []).append(identifier)

    def make(self, kind):
        self.count += 1
        bodies = {
            "outdial": ("outdials", {"name": "people"}),
            "outplan": ("outplans", {"name": "plan", "try_interval": 0}),
            "queue": ("queues", {"name": "queue"}),
            "flow": ("flows", {"name": "flow", "actions": [{"type": "answer"}]}),
            "campaign": ("campaigns", {"name": "campaign"}),
            "accesskey": ("accesskeys", {"name": "key"}),
            "dnclist": ("dnclists", {"name": "by letter"}),
            "agent": ("agents", {"username": f"agent{self.count}", "password": "long enough"}),
        }
        if kind not in bodies:
            return None
        path, body = bodies[kind]
        return (send("POST", f"/v1.0/{path}", body) or {}).get("id")

    def make_target(self, outdial):
        self.count += 1
        body = {"name": "Ann", "destination_0": f"+1555{self.count:06}0001"}
        return (send("POST", f"/v1.0/outdials/{outdial}/targets", body) or {}).get("id")

    def dial(self):
        """Runs a small campaign to its end, so that there are campaigncalls."""
        outdial, outplan = self.make("outdial"), self.make("outplan")
        for _ in range(3):
            self.make_target(outdial)
        campaign = send("POST", "/v1.0/campaigns", {"name": "dialed", "outdial_id": outdial, "outplan_id": outplan})["id"]
        send("PUT", f"/v1.0/campaigns/{campaign}/status", {"status": "run"})
        for _ in range(100):
            if send("GET", f"/v1.0/campaigns/{campaign}")["status"] == "stop":
                break
            time.sleep(0.1)
        for call in send("GET", f"/v1.0/campaigns/{campaign}/campaigncalls")["result"]:
            self.keep("campaigncall", call["id"])
            self.keep("call", call["reference_id"])
        assert self.ids["campaigncall"], "no call was made"
        self.keep("campaign", campaign)

    def holds(self, identifier):
        return any(identifier in ids for ids in ([self.own], *self.ids.values(), *self.targets.values()))

    def pick(self, kind, other_than=()):
        ids = [identifier for identifier in self.ids.get(kind, []) if identifier not in other_than]
        return self.random.choice(ids) if ids else None


world = None
lock = threading.Lock()


@schemathesis.hook
def before_call(context, case, kwargs):
    global world
    with lock:
        if world is None:
            world = World()
        replace_in_path(case)
        replace_in_body(case)


def replace_in_path(case):
    path = case.path_parameters or {}
    if not path or not all(isinstance(value, str) and UUID.fullmatch(value) for value in path.values()):
        return
    # Answers say "none" by the nil UUID, and what follows from them takes it for an id.
    is_right = case.meta is None or case.meta.generation.mode.is_positive
    is_none = NONE in path.values()
    if is_none and not is_right:
        return
    last = list(path)[-1]
    is_delete = case.method.upper() == "DELETE"
    # What the world holds must not be deleted: later requests need it. schemathesis knows its ids from answers.
    is_needed = is_delete and world.holds(path[last])
    if not is_needed and not is_none and world.random.random() < 0.5:
        return
    for name in path:
        kind = name.removesuffix("_id")
        if kind == "target":
            outdial = path["outdial_id"]
            found = world.make_target(outdial) if is_delete else world.random.choice(world.targets.get(outdial, [None]))
        elif is_delete and name == last:
            found = world.make(kind) or ("01900000-0000-7000-8000-000000000000" if is_needed else None)
        else:
            found = world.pick(kind)
        if found:
            path[name] = found


def replace_in_body(case):
    if not isinstance(case.body, dict):
        return
    own = set((case.path_parameters or {}).values())
    case.body = replaced(case.body, own)
    # A switch that stays off would make the rest of the run empty.
    if case.body.get("enabled") is False:
        case.body["enabled"] = True


def replaced(value, own):
    """A copy of a body in which every id leads somewhere."""
    if isinstance(value, list):
        return [replaced(item, own) for item in value]
    if not isinstance(value, dict):
        return value
    # A window that ends where it begins is none.
    if "weekdays" in value and value.get("from") == value.get("to"):
        value = {**value, "from": "09:00", "to": "17:00"}
    return {name: replaced_member(name, member, own, value) for name, member in value.items()}


def replaced_member(name, value, own, parent):
    if name == "target_ids" and isinstance(value, dict):
        return {key: replaced_member("target_id", item, own, value) for key, item in value.items()}
    if not isinstance(value, str):
        return replaced(value, own)
    if name == "time_zone" and value:
        return "Europe/Berlin"
    if not UUID.fullmatch(value) or value == NONE:
        return value
    if name in REFERENCES:
        return world.pick(REFERENCES[name], other_than=own) or ""
    # Jumps lead to actions of the same list, and those have ids of their own.
    if name in JUMPS:
        return NONE
    if name == "id" and "type" in parent:
        return str(uuid.UUID(int=world.random.getrandbits(128)))
    return value


@schemathesis.serializer("text/csv", "application/x-ndjson")
def as_text(context, value):
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


# How many of the requests with actions are sent, by operation: what actions may be is the same wherever they are given,
# and makes some seven thousand requests of each.
KEPT = {"createFlow": 4, "updateFlow": 40, "createCampaign": 40, "updateCampaign": 40, "setCampaignActions": 40}
seen = {}


@schemathesis.hook
def filter_case(context, case):
    """Leaves out most of the systematic requests about actions."""
    name = case.operation.definition.raw.get("operationId")
    if name not in KEPT or case.meta is None or case.meta.phase.name.value != "coverage":
        return True
    if not isinstance(case.body, dict) or not case.body.get("actions"):
        return True
    seen[name] = seen.get(name, 0) + 1
    return seen[name] % KEPT[name] == 1
