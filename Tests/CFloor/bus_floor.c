#include "floor.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { channel = 1 };

struct floor_bus {
    amqp_connection_state_t connection;
    // The delivery tag of the next message: tags count for as long as the channel lives.
    uint64_t next_tag;
};

const char *floor_rabbitmq_version(void) { return amqp_version(); }

static int replied(amqp_rpc_reply_t reply, const char *what) {
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return 1;
    const char *why = "the broker refused";
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) why = amqp_error_string2(reply.library_error);
    floor_fail("%s: %s", what, why);
    return 0;
}

floor_bus *floor_bus_open(const char *host, int port, const char *user, const char *password) {
    floor_bus *bus = calloc(1, sizeof *bus);
    if (!bus) return NULL;
    bus->connection = amqp_new_connection();
    bus->next_tag = 1;
    amqp_socket_t *socket = amqp_tcp_socket_new(bus->connection);
    int status = socket ? amqp_socket_open(socket, host, port) : AMQP_STATUS_NO_MEMORY;
    if (status != AMQP_STATUS_OK) {
        floor_fail("connect: %s", amqp_error_string2(status));
        floor_bus_close(bus);
        return NULL;
    }
    amqp_rpc_reply_t login = amqp_login(bus->connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, user, password);
    int is_open = replied(login, "login");
    if (is_open) {
        amqp_channel_open(bus->connection, channel);
        is_open = replied(amqp_get_rpc_reply(bus->connection), "channel.open");
    }
    if (is_open) {
        amqp_confirm_select(bus->connection, channel);
        is_open = replied(amqp_get_rpc_reply(bus->connection), "confirm.select");
    }
    if (is_open) return bus;
    floor_bus_close(bus);
    return NULL;
}

void floor_bus_close(floor_bus *bus) {
    if (!bus) return;
    amqp_connection_close(bus->connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(bus->connection);
    free(bus);
}

double floor_bus_purge(floor_bus *bus, const char *queue) {
    double start = floor_now();
    amqp_queue_purge(bus->connection, channel, amqp_cstring_bytes(queue));
    return replied(amqp_get_rpc_reply(bus->connection), "queue.purge") ? floor_now() - start : -1;
}

// MARK: publishing

/// Which of the messages of one run are confirmed.
struct confirms {
    uint64_t first;
    long count;
    // All below are confirmed; above, `done` tells.
    long low;
    long confirmed;
    unsigned char *done;
};

static void confirm(struct confirms *confirms, const amqp_basic_ack_t *ack) {
    long last = (long)(ack->delivery_tag - confirms->first);
    if (last < 0 || last >= confirms->count) return;
    for (long index = ack->multiple ? confirms->low : last; index <= last; index++) {
        if (confirms->done[index]) continue;
        confirms->done[index] = 1;
        confirms->confirmed++;
    }
    while (confirms->low < confirms->count && confirms->done[confirms->low]) confirms->low++;
}

/// Waits for one frame, which should be a confirm.
static int wait_for_confirm(floor_bus *bus, struct confirms *confirms) {
    amqp_frame_t frame;
    int status = amqp_simple_wait_frame(bus->connection, &frame);
    if (status != AMQP_STATUS_OK) {
        floor_fail("confirm: %s", amqp_error_string2(status));
        return 0;
    }
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
        floor_fail("confirm: another frame came (type %d)", frame.frame_type);
        return 0;
    }
    confirm(confirms, frame.payload.method.decoded);
    amqp_maybe_release_buffers_on_channel(bus->connection, channel);
    return 1;
}

static double publish(floor_bus *bus, const char *queue, amqp_bytes_t body, struct confirms *confirms, long window) {
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG,
        .content_type = amqp_cstring_bytes("application/json"),
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
    };
    amqp_bytes_t key = amqp_cstring_bytes(queue);
    double start = floor_now();
    long sent = 0;
    while (confirms->confirmed < confirms->count) {
        if (sent < confirms->count && sent - confirms->confirmed < window) {
            int status =
                amqp_basic_publish(bus->connection, channel, amqp_empty_bytes, key, 0, 0, &properties, body);
            if (status != AMQP_STATUS_OK) return floor_fail("publish: %s", amqp_error_string2(status));
            sent++;
        } else if (!wait_for_confirm(bus, confirms)) {
            return -1;
        }
    }
    return floor_now() - start;
}

double floor_bus_publish(floor_bus *bus, const char *queue, const void *body, size_t size, long count, long window) {
    struct confirms confirms = {.first = bus->next_tag, .count = count, .done = calloc((size_t)count, 1)};
    if (!confirms.done) return floor_fail("no memory");
    amqp_bytes_t bytes = {.len = size, .bytes = (void *)body};
    double seconds = publish(bus, queue, bytes, &confirms, window);
    bus->next_tag += (uint64_t)count;
    free(confirms.done);
    return seconds;
}

// MARK: consuming

static double consume(floor_bus *bus, long count, long window) {
    double start = floor_now();
    long half = window > 1 ? window / 2 : 1;
    long unsettled = 0;
    for (long received = 1; received <= count; received++) {
        amqp_envelope_t envelope;
        amqp_rpc_reply_t reply = amqp_consume_message(bus->connection, &envelope, NULL, 0);
        if (!replied(reply, "consume")) return -1;
        unsettled++;
        int is_more = amqp_frames_enqueued(bus->connection) || amqp_data_in_buffer(bus->connection);
        if (unsettled >= half || received == count || !is_more) {
            int status = amqp_basic_ack(bus->connection, channel, envelope.delivery_tag, unsettled > 1);
            if (status != AMQP_STATUS_OK) return floor_fail("ack: %s", amqp_error_string2(status));
            unsettled = 0;
        }
        amqp_destroy_envelope(&envelope);
        amqp_maybe_release_buffers_on_channel(bus->connection, channel);
    }
    return floor_now() - start;
}

double floor_bus_consume(floor_bus *bus, const char *queue, long count, long window) {
    amqp_basic_qos(bus->connection, channel, 0, (uint16_t)window, 0);
    if (!replied(amqp_get_rpc_reply(bus->connection), "basic.qos")) return -1;
    double start = floor_now();
    amqp_bytes_t name = amqp_cstring_bytes(queue);
    amqp_bytes_t tag = amqp_cstring_bytes("floor");
    amqp_basic_consume(bus->connection, channel, name, tag, 0, 0, 0, amqp_empty_table);
    if (!replied(amqp_get_rpc_reply(bus->connection), "basic.consume")) return -1;
    double established = floor_now() - start;
    double seconds = consume(bus, count, window);
    if (seconds < 0) return seconds;
    amqp_basic_cancel(bus->connection, channel, tag);
    if (!replied(amqp_get_rpc_reply(bus->connection), "basic.cancel")) return -1;
    return established + seconds;
}

// MARK: both

struct relay_consumer {
    floor_bus *bus;
    const char *queue;
    long count;
    long window;
    double seconds;
    char error[256];
};

static void *relay_consumer_run(void *context) {
    struct relay_consumer *consumer = context;
    consumer->seconds = floor_bus_consume(consumer->bus, consumer->queue, consumer->count, consumer->window);
    if (consumer->seconds < 0) snprintf(consumer->error, sizeof consumer->error, "%s", floor_error());
    return NULL;
}

double floor_bus_relay(floor_bus *publisher, floor_bus *consumer, const char *queue, const void *body, size_t size,
                       long count, long window) {
    struct relay_consumer work = {.bus = consumer, .queue = queue, .count = count, .window = window};
    pthread_t thread;
    double start = floor_now();
    if (pthread_create(&thread, NULL, relay_consumer_run, &work) != 0) return floor_fail("no thread");
    double published = floor_bus_publish(publisher, queue, body, size, count, window);
    // Without all messages the consumer would wait for ever; its connection is of no use afterwards.
    if (published < 0) {
        pthread_cancel(thread);
        pthread_join(thread, NULL);
        return published;
    }
    pthread_join(thread, NULL);
    return work.seconds < 0 ? floor_fail("%s", work.error) : floor_now() - start;
}
