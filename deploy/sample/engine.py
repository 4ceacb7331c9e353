#!/usr/bin/env python3
"""A dialing engine for Carillon in an ordinary AMQP client (pip install pika): takes commands, "calls", reports.

    engine.py amqp://acme-engine:secret@broker:5672/%2f acme [--prefix carillon] [--channels 50]

schemas/engine.md says what an engine has to do, and why. The rest of the options break what it reports, for tests.
"""
import argparse, json, random, time, urllib.parse, uuid
from datetime import datetime, timezone
import pika
options = argparse.ArgumentParser()
options.add_argument("url")
options.add_argument("route")
options.add_argument("--prefix", default="carillon")
options.add_argument("--channels", type=int, default=50)
options.add_argument("--talk", type=float, default=0.05, help="seconds")
options.add_argument("--lose", type=float, default=0, help="the share of events that is never sent")
options.add_argument("--repeat", type=float, default=0, help="the share of events that is sent twice")
options.add_argument("--shuffle", action="store_true", help="send the events of a call in any order")
options.add_argument("--bare", action="store_true", help="send the bare form, without ids and times")
options.add_argument("--journal", help="a file that gets the id of each attempt before it is dialed")
options = options.parse_args()
chance = random.Random(7)
user = urllib.parse.unquote(urllib.parse.urlsplit(options.url).username)
connection = pika.BlockingConnection(pika.URLParameters(options.url))
channel = connection.channel()
channel.confirm_delivery()  # basic_publish returns when the broker has it, and raises when it does not
channel.basic_qos(prefetch_count=options.channels)  # never more than can be dialed at once


def report(kind, call, **more):
    data = {"id": call["call_id"], "attempt_id": call["attempt_id"], "customer_id": call["customer_id"], **more}
    event = {"type": kind, "publisher": "acme", "data_type": "application/json", "data": data}
    if not options.bare:
        event = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "acme", "type": kind, "data": data}
        event.update(subject="call/" + call["call_id"], time=datetime.now(timezone.utc).isoformat())
    if chance.random() < options.lose: return
    properties = pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2, user_id=user)
    for _ in range(2 if chance.random() < options.repeat else 1):
        channel.basic_publish(options.prefix + ".calls", kind, json.dumps(event), properties)


def take(_, method, properties, body):
    call = json.loads(body)["data"]
    if datetime.now(timezone.utc) >= datetime.fromisoformat(call["start_by"].replace("Z", "+00:00")):
        return channel.basic_reject(method.delivery_tag, requeue=False)  # too late, and nobody was dialed
    if options.journal: print(call["attempt_id"], file=open(options.journal, "a"))
    events = [("call_dialing", {}), ("call_ringing", {}), ("call_progressing", {})]  # here a real engine dials
    events.append(("call_hangup", {"hangup_reason": "normal", "hangup_by": "remote"}))  # and somebody hangs up
    if options.shuffle: chance.shuffle(events)
    connection.call_later(options.talk, lambda: end(call, events, method.delivery_tag))


def end(call, events, tag):
    for kind, more in events: report(kind, call, **more)
    channel.basic_ack(tag)  # after the last report: what is lost before comes back to Carillon as lost


channel.basic_consume(f"{options.prefix}.dial.{options.route}", take)
channel.start_consuming()
