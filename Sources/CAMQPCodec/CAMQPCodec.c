#include "CAMQPCodec.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_HEADER 7
#define FRAME_FOOTER 1
#define FRAME_END 0xCE
#define MAX_NESTING 32
#define MAX_FIELDS 65536

struct camqp_codec {
    amqp_connection_state_t state;
    uint32_t frame_max;
    uint8_t *arena;
    size_t arena_count, arena_capacity;
    camqp_field *fields;
    size_t field_count, field_capacity;
};

static uint16_t read16(const uint8_t *p) { return (uint16_t)((p[0] << 8) | p[1]); }

static uint32_t read32(const uint8_t *p) {
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | (uint32_t)p[3];
}

static void write16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void write32(uint8_t *p, uint32_t v) {
    write16(p, (uint16_t)(v >> 16));
    write16(p + 2, (uint16_t)v);
}

static int status_of(int library) {
    switch (library) {
        case AMQP_STATUS_NO_MEMORY: return CAMQP_NO_MEMORY;
        case AMQP_STATUS_UNKNOWN_METHOD:
        case AMQP_STATUS_UNKNOWN_CLASS: return CAMQP_UNSUPPORTED;
        case AMQP_STATUS_TABLE_TOO_BIG: return CAMQP_NO_ROOM;
        default: return CAMQP_MALFORMED;
    }
}

// MARK: the codec

camqp_codec *camqp_codec_new(uint32_t frame_max) {
    if (frame_max < 4096 || frame_max > INT32_MAX) return NULL;
    camqp_codec *codec = calloc(1, sizeof *codec);
    if (codec == NULL) return NULL;
    codec->frame_max = frame_max;
    codec->state = amqp_new_connection();
    // A new state expects the peer's protocol version and aborts the process when it is tuned before that.
    static const uint8_t version[] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
    amqp_bytes_t first = {sizeof version, (void *)(uintptr_t)version};
    amqp_frame_t frame;
    if (codec->state == NULL || amqp_handle_input(codec->state, first, &frame) != (int)sizeof version
        || frame.frame_type != version[0]
        || amqp_tune_connection(codec->state, 0, (int)frame_max, 0) != AMQP_STATUS_OK) {
        camqp_codec_free(codec);
        return NULL;
    }
    return codec;
}

void camqp_codec_free(camqp_codec *codec) {
    if (codec == NULL) return;
    if (codec->state != NULL) amqp_destroy_connection(codec->state);
    free(codec->arena);
    free(codec->fields);
    free(codec);
}

int64_t camqp_frame_length(const uint8_t *bytes, size_t count, uint32_t frame_max) {
    if (count == 0) return 0;
    // The kind is judged on the first byte, so that a server of another protocol is refused at once.
    switch (bytes[0]) {
        case CAMQP_FRAME_METHOD:
        case CAMQP_FRAME_HEADER:
        case CAMQP_FRAME_BODY:
        case CAMQP_FRAME_HEARTBEAT: break;
        default: return CAMQP_MALFORMED;
    }
    if (count < FRAME_HEADER) return 0;
    uint64_t length = (uint64_t)read32(bytes + 3) + FRAME_HEADER + FRAME_FOOTER;
    return length > frame_max ? CAMQP_TOO_LARGE : (int64_t)length;
}

// MARK: decoding

static int remember(camqp_codec *codec, amqp_bytes_t bytes, camqp_span *span) {
    size_t needed = codec->arena_count + bytes.len;
    if (needed > UINT32_MAX) return CAMQP_TOO_LARGE;
    if (needed > codec->arena_capacity) {
        size_t capacity = needed * 2 + 256;
        uint8_t *grown = realloc(codec->arena, capacity);
        if (grown == NULL) return CAMQP_NO_MEMORY;
        codec->arena = grown;
        codec->arena_capacity = capacity;
    }
    if (bytes.len > 0) memcpy(codec->arena + codec->arena_count, bytes.bytes, bytes.len);
    span->offset = (uint32_t)codec->arena_count;
    span->count = (uint32_t)bytes.len;
    codec->arena_count = needed;
    return CAMQP_OK;
}

static int add_field(camqp_codec *codec, camqp_field **field) {
    if (codec->field_count >= MAX_FIELDS) return CAMQP_TOO_LARGE;
    if (codec->field_count == codec->field_capacity) {
        size_t capacity = codec->field_capacity * 2 + 16;
        camqp_field *grown = realloc(codec->fields, capacity * sizeof *grown);
        if (grown == NULL) return CAMQP_NO_MEMORY;
        codec->fields = grown;
        codec->field_capacity = capacity;
    }
    *field = &codec->fields[codec->field_count++];
    memset(*field, 0, sizeof **field);
    return CAMQP_OK;
}

static double decimal(amqp_decimal_t d) {
    double value = d.value;
    for (int i = 0; i < d.decimals && i < 64; i++) value /= 10;
    return value;
}

static int flatten_table(camqp_codec *codec, const amqp_table_t *table, int depth);

// `field` may move when children are added, so it is complete before that.
static int flatten_value(camqp_codec *codec, const amqp_bytes_t *key, const amqp_field_value_t *value, int depth) {
    if (depth > MAX_NESTING) return CAMQP_TOO_LARGE;
    camqp_field *f;
    int rc = add_field(codec, &f);
    if (rc == CAMQP_OK && key != NULL) rc = remember(codec, *key, &f->key);
    if (rc != CAMQP_OK) return rc;
    f->kind = AMQP_FIELD_KIND_I64;
    switch (value->kind) {
        case AMQP_FIELD_KIND_BOOLEAN:
            f->kind = AMQP_FIELD_KIND_BOOLEAN;
            f->integer = value->value.boolean != 0;
            return CAMQP_OK;
        case AMQP_FIELD_KIND_I8: f->integer = value->value.i8; return CAMQP_OK;
        case AMQP_FIELD_KIND_U8: f->integer = value->value.u8; return CAMQP_OK;
        case AMQP_FIELD_KIND_I16: f->integer = value->value.i16; return CAMQP_OK;
        case AMQP_FIELD_KIND_U16: f->integer = value->value.u16; return CAMQP_OK;
        case AMQP_FIELD_KIND_I32: f->integer = value->value.i32; return CAMQP_OK;
        case AMQP_FIELD_KIND_U32: f->integer = value->value.u32; return CAMQP_OK;
        case AMQP_FIELD_KIND_I64: f->integer = value->value.i64; return CAMQP_OK;
        case AMQP_FIELD_KIND_U64:
            f->integer = value->value.u64 > INT64_MAX ? INT64_MAX : (int64_t)value->value.u64;
            return CAMQP_OK;
        case AMQP_FIELD_KIND_TIMESTAMP:
            f->kind = AMQP_FIELD_KIND_TIMESTAMP;
            f->integer = (int64_t)value->value.u64;
            return CAMQP_OK;
        case AMQP_FIELD_KIND_F32:
            f->kind = AMQP_FIELD_KIND_F64;
            f->number = value->value.f32;
            return CAMQP_OK;
        case AMQP_FIELD_KIND_F64:
            f->kind = AMQP_FIELD_KIND_F64;
            f->number = value->value.f64;
            return CAMQP_OK;
        case AMQP_FIELD_KIND_DECIMAL:
            f->kind = AMQP_FIELD_KIND_F64;
            f->number = decimal(value->value.decimal);
            return CAMQP_OK;
        case AMQP_FIELD_KIND_UTF8:
        case AMQP_FIELD_KIND_BYTES:
            f->kind = value->kind;
            return remember(codec, value->value.bytes, &f->bytes);
        case AMQP_FIELD_KIND_TABLE:
            f->kind = AMQP_FIELD_KIND_TABLE;
            f->children = (uint32_t)value->value.table.num_entries;
            return flatten_table(codec, &value->value.table, depth + 1);
        case AMQP_FIELD_KIND_ARRAY:
            f->kind = AMQP_FIELD_KIND_ARRAY;
            f->children = (uint32_t)value->value.array.num_entries;
            for (int i = 0; i < value->value.array.num_entries && rc == CAMQP_OK; i++)
                rc = flatten_value(codec, NULL, &value->value.array.entries[i], depth + 1);
            return rc;
        case AMQP_FIELD_KIND_VOID: f->kind = AMQP_FIELD_KIND_VOID; return CAMQP_OK;
        default: return CAMQP_MALFORMED;
    }
}

static int flatten_table(camqp_codec *codec, const amqp_table_t *table, int depth) {
    int rc = CAMQP_OK;
    for (int i = 0; i < table->num_entries && rc == CAMQP_OK; i++)
        rc = flatten_value(codec, &table->entries[i].key, &table->entries[i].value, depth);
    return rc;
}

// The library decodes nested tables by recursion without a limit, so the nesting is walked here first.
static int check_values(const uint8_t *p, size_t count, bool keyed, int depth) {
    if (depth > MAX_NESTING) return CAMQP_TOO_LARGE;
    size_t at = 0;
    while (at < count) {
        if (keyed) at += 1 + (size_t)p[at];
        if (at >= count) return CAMQP_MALFORMED;
        uint8_t kind = p[at++];
        size_t width;
        switch (kind) {
            case 't': case 'b': case 'B': width = 1; break;
            case 's': case 'u': width = 2; break;
            case 'I': case 'i': case 'f': width = 4; break;
            case 'l': case 'L': case 'd': case 'T': width = 8; break;
            case 'D': width = 5; break;
            case 'V': width = 0; break;
            case 'S': case 'x': case 'F': case 'A': {
                if (count - at < 4) return CAMQP_MALFORMED;
                width = read32(p + at);
                at += 4;
                break;
            }
            default: return CAMQP_MALFORMED;
        }
        if (width > count - at) return CAMQP_MALFORMED;
        if (kind == 'F' || kind == 'A') {
            int rc = check_values(p + at, width, kind == 'F', depth + 1);
            if (rc != CAMQP_OK) return rc;
        }
        at += width;
    }
    return CAMQP_OK;
}

static int check_table(const uint8_t *p, size_t count) {
    if (count < 4 || read32(p) > count - 4) return CAMQP_MALFORMED;
    return check_values(p + 4, read32(p), true, 1);
}

// Where the table of a frame's payload begins: only connection.start and message headers carry one to a client, but
// the tables of what a client sends are checked as well, because tests play the server.
static int check_payload(const uint8_t *frame, size_t count) {
    const uint8_t *payload = frame + FRAME_HEADER;
    size_t length = count - FRAME_HEADER - FRAME_FOOTER, at;
    if (frame[0] == CAMQP_FRAME_METHOD) {
        if (length < 4) return CAMQP_MALFORMED;
        int short_strings = 0, skip = 0;
        at = 4;
        switch (read32(payload)) {
            case CAMQP_CONNECTION_START: at += 2; break;
            case CAMQP_CONNECTION_START_OK: break;
            case CAMQP_EXCHANGE_DECLARE: at += 2; short_strings = 2; skip = 1; break;
            case CAMQP_QUEUE_DECLARE: at += 2; short_strings = 1; skip = 1; break;
            case CAMQP_QUEUE_BIND: at += 2; short_strings = 3; skip = 1; break;
            case CAMQP_QUEUE_UNBIND: at += 2; short_strings = 3; break;
            case CAMQP_BASIC_CONSUME: at += 2; short_strings = 2; skip = 1; break;
            case CAMQP_CONNECTION_TUNE: case CAMQP_CONNECTION_TUNE_OK: case CAMQP_CONNECTION_OPEN:
            case CAMQP_CONNECTION_OPEN_OK: case CAMQP_CONNECTION_CLOSE: case CAMQP_CONNECTION_CLOSE_OK:
            case CAMQP_CONNECTION_BLOCKED: case CAMQP_CONNECTION_UNBLOCKED: case CAMQP_CHANNEL_OPEN:
            case CAMQP_CHANNEL_OPEN_OK: case CAMQP_CHANNEL_FLOW: case CAMQP_CHANNEL_FLOW_OK: case CAMQP_CHANNEL_CLOSE:
            case CAMQP_CHANNEL_CLOSE_OK: case CAMQP_EXCHANGE_DECLARE_OK: case CAMQP_QUEUE_DECLARE_OK:
            case CAMQP_QUEUE_UNBIND_OK:
            case CAMQP_QUEUE_BIND_OK: case CAMQP_BASIC_QOS: case CAMQP_BASIC_QOS_OK: case CAMQP_BASIC_CONSUME_OK:
            case CAMQP_BASIC_CANCEL: case CAMQP_BASIC_CANCEL_OK: case CAMQP_BASIC_PUBLISH: case CAMQP_BASIC_RETURN:
            case CAMQP_BASIC_DELIVER: case CAMQP_BASIC_ACK: case CAMQP_BASIC_REJECT: case CAMQP_BASIC_NACK:
            case CAMQP_CONFIRM_SELECT: case CAMQP_CONFIRM_SELECT_OK: return CAMQP_OK;
            default: return CAMQP_UNSUPPORTED;
        }
        for (int i = 0; i < short_strings; i++) {
            if (at >= length) return CAMQP_MALFORMED;
            at += 1 + (size_t)payload[at];
        }
        at += (size_t)skip;
        return at > length ? CAMQP_MALFORMED : check_table(payload + at, length - at);
    }
    if (frame[0] == CAMQP_FRAME_HEADER) {
        if (length < 14) return CAMQP_MALFORMED;
        if (read16(payload) != AMQP_BASIC_CLASS) return CAMQP_UNSUPPORTED;
        uint16_t flags = read16(payload + 12);
        if (flags & 1) return CAMQP_MALFORMED;  // a second word of flags: the basic class has none
        at = 14;
        for (uint16_t bit = 0x8000; bit >= 0x4000; bit >>= 1) {  // content-type, content-encoding
            if (!(flags & bit)) continue;
            if (at >= length) return CAMQP_MALFORMED;
            at += 1 + (size_t)payload[at];
        }
        if (!(flags & 0x2000)) return CAMQP_OK;
        return at > length ? CAMQP_MALFORMED : check_table(payload + at, length - at);
    }
    return frame[0] == CAMQP_FRAME_HEARTBEAT && length != 0 ? CAMQP_MALFORMED : CAMQP_OK;
}

#define TEXT(span, source) \
    do { \
        int text_rc = remember(codec, (source), &(span)); \
        if (text_rc != CAMQP_OK) return text_rc; \
    } while (0)
#define BIT(condition, bit) ((condition) ? (uint32_t)(bit) : 0u)

static int read_method(camqp_codec *codec, const amqp_method_t *method, camqp_method *out) {
    out->id = method->id;
    switch (method->id) {
        case CAMQP_CONNECTION_START: {
            const amqp_connection_start_t *m = method->decoded;
            out->x = m->version_major;
            out->y = m->version_minor;
            TEXT(out->a, m->mechanisms);
            TEXT(out->b, m->locales);
            return flatten_table(codec, &m->server_properties, 1);
        }
        case CAMQP_CONNECTION_START_OK: {
            const amqp_connection_start_ok_t *m = method->decoded;
            TEXT(out->a, m->mechanism);
            TEXT(out->b, m->response);
            TEXT(out->c, m->locale);
            return flatten_table(codec, &m->client_properties, 1);
        }
        case CAMQP_CONNECTION_TUNE: {
            const amqp_connection_tune_t *m = method->decoded;
            out->x = m->channel_max;
            out->y = m->frame_max;
            out->z = m->heartbeat;
            return CAMQP_OK;
        }
        case CAMQP_CONNECTION_TUNE_OK: {
            const amqp_connection_tune_ok_t *m = method->decoded;
            out->x = m->channel_max;
            out->y = m->frame_max;
            out->z = m->heartbeat;
            return CAMQP_OK;
        }
        case CAMQP_CONNECTION_OPEN: TEXT(out->a, ((amqp_connection_open_t *)method->decoded)->virtual_host); break;
        case CAMQP_CONNECTION_CLOSE: {
            const amqp_connection_close_t *m = method->decoded;
            out->x = m->reply_code;
            out->y = m->class_id;
            out->z = m->method_id;
            TEXT(out->a, m->reply_text);
            break;
        }
        case CAMQP_CHANNEL_CLOSE: {
            const amqp_channel_close_t *m = method->decoded;
            out->x = m->reply_code;
            out->y = m->class_id;
            out->z = m->method_id;
            TEXT(out->a, m->reply_text);
            break;
        }
        case CAMQP_CONNECTION_BLOCKED: TEXT(out->a, ((amqp_connection_blocked_t *)method->decoded)->reason); break;
        case CAMQP_CHANNEL_FLOW: out->flags = BIT(((amqp_channel_flow_t *)method->decoded)->active, 1); break;
        case CAMQP_CHANNEL_FLOW_OK: out->flags = BIT(((amqp_channel_flow_ok_t *)method->decoded)->active, 1); break;
        case CAMQP_EXCHANGE_DECLARE: {
            const amqp_exchange_declare_t *m = method->decoded;
            TEXT(out->a, m->exchange);
            TEXT(out->b, m->type);
            out->flags = BIT(m->passive, 1) | BIT(m->durable, 2) | BIT(m->auto_delete, 4) | BIT(m->internal, 8);
            return flatten_table(codec, &m->arguments, 1);
        }
        case CAMQP_QUEUE_DECLARE: {
            const amqp_queue_declare_t *m = method->decoded;
            TEXT(out->a, m->queue);
            out->flags = BIT(m->passive, 1) | BIT(m->durable, 2) | BIT(m->exclusive, 4) | BIT(m->auto_delete, 8);
            return flatten_table(codec, &m->arguments, 1);
        }
        case CAMQP_QUEUE_DECLARE_OK: {
            const amqp_queue_declare_ok_t *m = method->decoded;
            TEXT(out->a, m->queue);
            out->x = m->message_count;
            out->y = m->consumer_count;
            break;
        }
        case CAMQP_QUEUE_BIND: {
            const amqp_queue_bind_t *m = method->decoded;
            TEXT(out->a, m->queue);
            TEXT(out->b, m->exchange);
            TEXT(out->c, m->routing_key);
            return flatten_table(codec, &m->arguments, 1);
        }
        case CAMQP_QUEUE_UNBIND: {
            const amqp_queue_unbind_t *m = method->decoded;
            TEXT(out->a, m->queue);
            TEXT(out->b, m->exchange);
            TEXT(out->c, m->routing_key);
            return flatten_table(codec, &m->arguments, 1);
        }
        case CAMQP_BASIC_QOS: {
            const amqp_basic_qos_t *m = method->decoded;
            out->x = m->prefetch_count;
            out->flags = BIT(m->global, 1);
            break;
        }
        case CAMQP_BASIC_CONSUME: {
            const amqp_basic_consume_t *m = method->decoded;
            TEXT(out->a, m->queue);
            TEXT(out->b, m->consumer_tag);
            out->flags = BIT(m->no_local, 1) | BIT(m->no_ack, 2) | BIT(m->exclusive, 4);
            return flatten_table(codec, &m->arguments, 1);
        }
        case CAMQP_BASIC_CONSUME_OK:
            TEXT(out->a, ((amqp_basic_consume_ok_t *)method->decoded)->consumer_tag);
            break;
        case CAMQP_BASIC_CANCEL: TEXT(out->a, ((amqp_basic_cancel_t *)method->decoded)->consumer_tag); break;
        case CAMQP_BASIC_CANCEL_OK: TEXT(out->a, ((amqp_basic_cancel_ok_t *)method->decoded)->consumer_tag); break;
        case CAMQP_BASIC_PUBLISH: {
            const amqp_basic_publish_t *m = method->decoded;
            TEXT(out->a, m->exchange);
            TEXT(out->b, m->routing_key);
            out->flags = BIT(m->mandatory, 1);
            break;
        }
        case CAMQP_BASIC_RETURN: {
            const amqp_basic_return_t *m = method->decoded;
            out->x = m->reply_code;
            TEXT(out->a, m->reply_text);
            TEXT(out->b, m->exchange);
            TEXT(out->c, m->routing_key);
            break;
        }
        case CAMQP_BASIC_DELIVER: {
            const amqp_basic_deliver_t *m = method->decoded;
            TEXT(out->a, m->consumer_tag);
            TEXT(out->b, m->exchange);
            TEXT(out->c, m->routing_key);
            out->number = m->delivery_tag;
            out->flags = BIT(m->redelivered, 1);
            break;
        }
        case CAMQP_BASIC_ACK: {
            const amqp_basic_ack_t *m = method->decoded;
            out->number = m->delivery_tag;
            out->flags = BIT(m->multiple, 1);
            break;
        }
        case CAMQP_BASIC_NACK: {
            const amqp_basic_nack_t *m = method->decoded;
            out->number = m->delivery_tag;
            out->flags = BIT(m->multiple, 1) | BIT(m->requeue, 2);
            break;
        }
        case CAMQP_BASIC_REJECT: {
            const amqp_basic_reject_t *m = method->decoded;
            out->number = m->delivery_tag;
            out->flags = BIT(m->requeue, 1);
            break;
        }
        default: break;  // check_payload let through only methods without arguments besides these
    }
    return CAMQP_OK;
}

static int read_properties(camqp_codec *codec, const amqp_basic_properties_t *p, camqp_properties *out) {
#define PROPERTY(flag, bit, member) \
    if (p->_flags & (flag)) { \
        out->present |= (bit); \
        TEXT(out->member, p->member); \
    }
    PROPERTY(AMQP_BASIC_CONTENT_TYPE_FLAG, CAMQP_HAS_CONTENT_TYPE, content_type)
    PROPERTY(AMQP_BASIC_CORRELATION_ID_FLAG, CAMQP_HAS_CORRELATION_ID, correlation_id)
    PROPERTY(AMQP_BASIC_REPLY_TO_FLAG, CAMQP_HAS_REPLY_TO, reply_to)
    PROPERTY(AMQP_BASIC_EXPIRATION_FLAG, CAMQP_HAS_EXPIRATION, expiration)
    PROPERTY(AMQP_BASIC_MESSAGE_ID_FLAG, CAMQP_HAS_MESSAGE_ID, message_id)
    PROPERTY(AMQP_BASIC_TYPE_FLAG, CAMQP_HAS_TYPE, type)
    PROPERTY(AMQP_BASIC_USER_ID_FLAG, CAMQP_HAS_USER_ID, user_id)
#undef PROPERTY
    if (p->_flags & AMQP_BASIC_DELIVERY_MODE_FLAG) {
        out->present |= CAMQP_HAS_DELIVERY_MODE;
        out->delivery_mode = p->delivery_mode;
    }
    if (!(p->_flags & AMQP_BASIC_HEADERS_FLAG)) return CAMQP_OK;
    out->present |= CAMQP_HAS_HEADERS;
    return flatten_table(codec, &p->headers, 1);
}

int camqp_decode(camqp_codec *codec, const uint8_t *bytes, size_t count, camqp_frame *out) {
    memset(out, 0, sizeof *out);
    int64_t length = camqp_frame_length(bytes, count, codec->frame_max);
    if (length < 0) return (int)length;
    if (length == 0 || (size_t)length != count || bytes[count - 1] != FRAME_END) return CAMQP_MALFORMED;
    int rc = check_payload(bytes, count);
    if (rc != CAMQP_OK) return rc;

    codec->arena_count = 0;
    codec->field_count = 0;
    amqp_maybe_release_buffers(codec->state);
    out->kind = bytes[0];
    out->channel = read16(bytes + 1);

    amqp_frame_t frame;
    size_t consumed = 0;
    memset(&frame, 0, sizeof frame);
    while (consumed < count && frame.frame_type == 0) {
        amqp_bytes_t rest = {count - consumed, (void *)(uintptr_t)(bytes + consumed)};
        int used = amqp_handle_input(codec->state, rest, &frame);
        if (used < 0) return status_of(used);
        if (used == 0) return CAMQP_MALFORMED;
        consumed += (size_t)used;
    }
    if (consumed != count || frame.frame_type != bytes[0]) return CAMQP_MALFORMED;

    switch (frame.frame_type) {
        case AMQP_FRAME_METHOD: rc = read_method(codec, &frame.payload.method, &out->method); break;
        case AMQP_FRAME_HEADER:
            out->body_size = frame.payload.properties.body_size;
            rc = read_properties(codec, frame.payload.properties.decoded, &out->properties);
            break;
        case AMQP_FRAME_BODY:
            out->body = frame.payload.body_fragment.bytes;
            out->body_count = frame.payload.body_fragment.len;
            break;
        default: break;
    }
    out->arena = codec->arena;
    out->arena_count = codec->arena_count;
    out->fields = codec->fields;
    out->field_count = codec->field_count;
    return rc;
}

// MARK: encoding

typedef struct {
    const uint8_t *arena;
    size_t arena_count;
    const camqp_field *fields;
    size_t field_count, next;
    amqp_pool_t pool;
    int status;
} source;

static amqp_bytes_t bytes_of(source *in, camqp_span span, size_t limit) {
    amqp_bytes_t none = {0, NULL};
    if (span.count == 0) return none;
    if (span.offset > in->arena_count || span.count > in->arena_count - span.offset) {
        in->status = CAMQP_MALFORMED;
        return none;
    }
    if (span.count > limit) {
        in->status = CAMQP_TOO_LARGE;
        return none;
    }
    amqp_bytes_t bytes = {span.count, (void *)(uintptr_t)(in->arena + span.offset)};
    return bytes;
}

static amqp_bytes_t short_of(source *in, camqp_span span) { return bytes_of(in, span, 255); }
static amqp_bytes_t long_of(source *in, camqp_span span) { return bytes_of(in, span, UINT32_MAX); }

static amqp_table_t build_table(source *in, uint32_t count, int depth);

static amqp_field_value_t build_value(source *in, const camqp_field *f, int depth) {
    amqp_field_value_t value;
    memset(&value, 0, sizeof value);
    value.kind = f->kind;
    switch (f->kind) {
        case AMQP_FIELD_KIND_BOOLEAN: value.value.boolean = f->integer != 0; break;
        case AMQP_FIELD_KIND_I64: value.value.i64 = f->integer; break;
        case AMQP_FIELD_KIND_TIMESTAMP: value.value.u64 = (uint64_t)f->integer; break;
        case AMQP_FIELD_KIND_F64: value.value.f64 = f->number; break;
        case AMQP_FIELD_KIND_UTF8:
        case AMQP_FIELD_KIND_BYTES: value.value.bytes = long_of(in, f->bytes); break;
        case AMQP_FIELD_KIND_VOID: break;
        case AMQP_FIELD_KIND_TABLE: value.value.table = build_table(in, f->children, depth + 1); break;
        case AMQP_FIELD_KIND_ARRAY: {
            size_t count = f->children;
            if (count == 0) break;
            if (depth >= MAX_NESTING || count > in->field_count - in->next) {
                in->status = CAMQP_TOO_LARGE;
                break;
            }
            amqp_field_value_t *entries = amqp_pool_alloc(&in->pool, count * sizeof *entries);
            if (entries == NULL) {
                in->status = CAMQP_NO_MEMORY;
                break;
            }
            for (size_t i = 0; i < count && in->status == CAMQP_OK; i++) {
                if (in->next >= in->field_count) {
                    in->status = CAMQP_MALFORMED;
                    break;
                }
                const camqp_field *child = &in->fields[in->next++];
                entries[i] = build_value(in, child, depth + 1);
            }
            value.value.array.num_entries = (int)count;
            value.value.array.entries = entries;
            break;
        }
        default: in->status = CAMQP_MALFORMED;
    }
    return value;
}

static amqp_table_t build_table(source *in, uint32_t count, int depth) {
    amqp_table_t table = {0, NULL};
    if (count == 0 || in->status != CAMQP_OK) return table;
    if (depth > MAX_NESTING || count > in->field_count - in->next) {
        in->status = CAMQP_TOO_LARGE;
        return table;
    }
    amqp_table_entry_t *entries = amqp_pool_alloc(&in->pool, count * sizeof *entries);
    if (entries == NULL) {
        in->status = CAMQP_NO_MEMORY;
        return table;
    }
    for (uint32_t i = 0; i < count && in->status == CAMQP_OK; i++) {
        if (in->next >= in->field_count) {
            in->status = CAMQP_MALFORMED;
            return table;
        }
        const camqp_field *f = &in->fields[in->next++];
        entries[i].key = short_of(in, f->key);
        entries[i].value = build_value(in, f, depth);
    }
    table.num_entries = (int)count;
    table.entries = entries;
    return table;
}

// The top level holds whatever is not a child of something before it.
static amqp_table_t root_table(source *in) {
    uint32_t roots = 0;
    uint64_t open = 0;
    for (size_t i = 0; i < in->field_count; i++) {
        if (open == 0) roots++;
        else open--;
        if (in->fields[i].kind == AMQP_FIELD_KIND_TABLE || in->fields[i].kind == AMQP_FIELD_KIND_ARRAY)
            open += in->fields[i].children;
    }
    if (open != 0) in->status = CAMQP_MALFORMED;
    return build_table(in, roots, 1);
}

static int64_t finish_frame(uint8_t kind, uint16_t channel, size_t payload, uint8_t *out) {
    out[0] = kind;
    write16(out + 1, channel);
    write32(out + 3, (uint32_t)payload);
    out[FRAME_HEADER + payload] = FRAME_END;
    return (int64_t)(FRAME_HEADER + payload + FRAME_FOOTER);
}

typedef union {
    amqp_connection_start_t connection_start;
    amqp_connection_start_ok_t connection_start_ok;
    amqp_connection_tune_t connection_tune;
    amqp_connection_tune_ok_t connection_tune_ok;
    amqp_connection_open_t connection_open;
    amqp_connection_close_t connection_close;
    amqp_connection_blocked_t connection_blocked;
    amqp_channel_close_t channel_close;
    amqp_channel_flow_t channel_flow;
    amqp_channel_flow_ok_t channel_flow_ok;
    amqp_exchange_declare_t exchange_declare;
    amqp_queue_declare_t queue_declare;
    amqp_queue_declare_ok_t queue_declare_ok;
    amqp_queue_bind_t queue_bind;
    amqp_queue_unbind_t queue_unbind;
    amqp_basic_qos_t basic_qos;
    amqp_basic_consume_t basic_consume;
    amqp_basic_consume_ok_t basic_consume_ok;
    amqp_basic_cancel_t basic_cancel;
    amqp_basic_cancel_ok_t basic_cancel_ok;
    amqp_basic_publish_t basic_publish;
    amqp_basic_return_t basic_return;
    amqp_basic_deliver_t basic_deliver;
    amqp_basic_ack_t basic_ack;
    amqp_basic_nack_t basic_nack;
    amqp_basic_reject_t basic_reject;
    uint8_t room[256];
} arguments;

// Fills `to`, which is zeroed. Methods without arguments need nothing.
static void fill(source *in, const camqp_method *m, arguments *to) {
    switch (m->id) {
        case CAMQP_CONNECTION_START:
            to->connection_start.version_major = (uint8_t)m->x;
            to->connection_start.version_minor = (uint8_t)m->y;
            to->connection_start.mechanisms = long_of(in, m->a);
            to->connection_start.locales = long_of(in, m->b);
            to->connection_start.server_properties = root_table(in);
            break;
        case CAMQP_CONNECTION_START_OK:
            to->connection_start_ok.mechanism = short_of(in, m->a);
            to->connection_start_ok.response = long_of(in, m->b);
            to->connection_start_ok.locale = short_of(in, m->c);
            to->connection_start_ok.client_properties = root_table(in);
            break;
        case CAMQP_CONNECTION_TUNE:
            to->connection_tune.channel_max = (uint16_t)m->x;
            to->connection_tune.frame_max = m->y;
            to->connection_tune.heartbeat = (uint16_t)m->z;
            break;
        case CAMQP_CONNECTION_TUNE_OK:
            to->connection_tune_ok.channel_max = (uint16_t)m->x;
            to->connection_tune_ok.frame_max = m->y;
            to->connection_tune_ok.heartbeat = (uint16_t)m->z;
            break;
        case CAMQP_CONNECTION_OPEN: to->connection_open.virtual_host = short_of(in, m->a); break;
        case CAMQP_CONNECTION_CLOSE:
            to->connection_close.reply_code = (uint16_t)m->x;
            to->connection_close.class_id = (uint16_t)m->y;
            to->connection_close.method_id = (uint16_t)m->z;
            to->connection_close.reply_text = short_of(in, m->a);
            break;
        case CAMQP_CHANNEL_CLOSE:
            to->channel_close.reply_code = (uint16_t)m->x;
            to->channel_close.class_id = (uint16_t)m->y;
            to->channel_close.method_id = (uint16_t)m->z;
            to->channel_close.reply_text = short_of(in, m->a);
            break;
        case CAMQP_CONNECTION_BLOCKED: to->connection_blocked.reason = short_of(in, m->a); break;
        case CAMQP_CHANNEL_FLOW: to->channel_flow.active = m->flags & 1; break;
        case CAMQP_CHANNEL_FLOW_OK: to->channel_flow_ok.active = m->flags & 1; break;
        case CAMQP_EXCHANGE_DECLARE:
            to->exchange_declare.exchange = short_of(in, m->a);
            to->exchange_declare.type = short_of(in, m->b);
            to->exchange_declare.passive = (m->flags & 1) != 0;
            to->exchange_declare.durable = (m->flags & 2) != 0;
            to->exchange_declare.auto_delete = (m->flags & 4) != 0;
            to->exchange_declare.internal = (m->flags & 8) != 0;
            to->exchange_declare.arguments = root_table(in);
            break;
        case CAMQP_QUEUE_DECLARE:
            to->queue_declare.queue = short_of(in, m->a);
            to->queue_declare.passive = (m->flags & 1) != 0;
            to->queue_declare.durable = (m->flags & 2) != 0;
            to->queue_declare.exclusive = (m->flags & 4) != 0;
            to->queue_declare.auto_delete = (m->flags & 8) != 0;
            to->queue_declare.arguments = root_table(in);
            break;
        case CAMQP_QUEUE_DECLARE_OK:
            to->queue_declare_ok.queue = short_of(in, m->a);
            to->queue_declare_ok.message_count = m->x;
            to->queue_declare_ok.consumer_count = m->y;
            break;
        case CAMQP_QUEUE_BIND:
            to->queue_bind.queue = short_of(in, m->a);
            to->queue_bind.exchange = short_of(in, m->b);
            to->queue_bind.routing_key = short_of(in, m->c);
            to->queue_bind.arguments = root_table(in);
            break;
        case CAMQP_QUEUE_UNBIND:
            to->queue_unbind.queue = short_of(in, m->a);
            to->queue_unbind.exchange = short_of(in, m->b);
            to->queue_unbind.routing_key = short_of(in, m->c);
            to->queue_unbind.arguments = root_table(in);
            break;
        case CAMQP_BASIC_QOS:
            to->basic_qos.prefetch_count = (uint16_t)m->x;
            to->basic_qos.global = m->flags & 1;
            break;
        case CAMQP_BASIC_CONSUME:
            to->basic_consume.queue = short_of(in, m->a);
            to->basic_consume.consumer_tag = short_of(in, m->b);
            to->basic_consume.no_local = (m->flags & 1) != 0;
            to->basic_consume.no_ack = (m->flags & 2) != 0;
            to->basic_consume.exclusive = (m->flags & 4) != 0;
            to->basic_consume.arguments = root_table(in);
            break;
        case CAMQP_BASIC_CONSUME_OK: to->basic_consume_ok.consumer_tag = short_of(in, m->a); break;
        case CAMQP_BASIC_CANCEL: to->basic_cancel.consumer_tag = short_of(in, m->a); break;
        case CAMQP_BASIC_CANCEL_OK: to->basic_cancel_ok.consumer_tag = short_of(in, m->a); break;
        case CAMQP_BASIC_PUBLISH:
            to->basic_publish.exchange = short_of(in, m->a);
            to->basic_publish.routing_key = short_of(in, m->b);
            to->basic_publish.mandatory = m->flags & 1;
            break;
        case CAMQP_BASIC_RETURN:
            to->basic_return.reply_code = (uint16_t)m->x;
            to->basic_return.reply_text = short_of(in, m->a);
            to->basic_return.exchange = short_of(in, m->b);
            to->basic_return.routing_key = short_of(in, m->c);
            break;
        case CAMQP_BASIC_DELIVER:
            to->basic_deliver.consumer_tag = short_of(in, m->a);
            to->basic_deliver.exchange = short_of(in, m->b);
            to->basic_deliver.routing_key = short_of(in, m->c);
            to->basic_deliver.delivery_tag = m->number;
            to->basic_deliver.redelivered = m->flags & 1;
            break;
        case CAMQP_BASIC_ACK:
            to->basic_ack.delivery_tag = m->number;
            to->basic_ack.multiple = m->flags & 1;
            break;
        case CAMQP_BASIC_NACK:
            to->basic_nack.delivery_tag = m->number;
            to->basic_nack.multiple = m->flags & 1;
            to->basic_nack.requeue = (m->flags & 2) != 0;
            break;
        case CAMQP_BASIC_REJECT:
            to->basic_reject.delivery_tag = m->number;
            to->basic_reject.requeue = m->flags & 1;
            break;
        default: break;
    }
}

int64_t camqp_encode_method(uint16_t channel, const camqp_method *method, const uint8_t *arena, size_t arena_count,
                            const camqp_field *fields, size_t field_count, uint8_t *out, size_t capacity) {
    if (capacity < FRAME_HEADER + 4 + FRAME_FOOTER) return CAMQP_NO_ROOM;
    source in = {.arena = arena, .arena_count = arena_count, .fields = fields, .field_count = field_count};
    if (field_count > 0) init_amqp_pool(&in.pool, 4096);
    arguments to;
    memset(&to, 0, sizeof to);
    fill(&in, method, &to);
    int64_t result = in.status;
    if (in.status == CAMQP_OK) {
        amqp_bytes_t room = {capacity - FRAME_HEADER - 4 - FRAME_FOOTER, out + FRAME_HEADER + 4};
        write32(out + FRAME_HEADER, method->id);
        int length = amqp_encode_method(method->id, &to, room);
        // The library says "bad data" when the room is too small; lengths were checked before, so it means nothing else.
        if (length < 0) result = length == AMQP_STATUS_BAD_AMQP_DATA ? CAMQP_NO_ROOM : status_of(length);
        else result = finish_frame(CAMQP_FRAME_METHOD, channel, (size_t)length + 4, out);
    }
    if (field_count > 0) empty_amqp_pool(&in.pool);
    return result;
}

int64_t camqp_encode_header(uint16_t channel, const camqp_properties *properties, uint64_t body_size,
                            const uint8_t *arena, size_t arena_count, const camqp_field *fields, size_t field_count,
                            uint8_t *out, size_t capacity) {
    if (capacity < FRAME_HEADER + 14 + FRAME_FOOTER) return CAMQP_NO_ROOM;
    source in = {.arena = arena, .arena_count = arena_count, .fields = fields, .field_count = field_count};
    if (field_count > 0) init_amqp_pool(&in.pool, 4096);
    amqp_basic_properties_t to;
    memset(&to, 0, sizeof to);
#define PROPERTY(flag, bit, member) \
    if (properties->present & (bit)) { \
        to._flags |= (flag); \
        to.member = short_of(&in, properties->member); \
    }
    PROPERTY(AMQP_BASIC_CONTENT_TYPE_FLAG, CAMQP_HAS_CONTENT_TYPE, content_type)
    PROPERTY(AMQP_BASIC_CORRELATION_ID_FLAG, CAMQP_HAS_CORRELATION_ID, correlation_id)
    PROPERTY(AMQP_BASIC_REPLY_TO_FLAG, CAMQP_HAS_REPLY_TO, reply_to)
    PROPERTY(AMQP_BASIC_EXPIRATION_FLAG, CAMQP_HAS_EXPIRATION, expiration)
    PROPERTY(AMQP_BASIC_MESSAGE_ID_FLAG, CAMQP_HAS_MESSAGE_ID, message_id)
    PROPERTY(AMQP_BASIC_TYPE_FLAG, CAMQP_HAS_TYPE, type)
    PROPERTY(AMQP_BASIC_USER_ID_FLAG, CAMQP_HAS_USER_ID, user_id)
#undef PROPERTY
    if (properties->present & CAMQP_HAS_DELIVERY_MODE) {
        to._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
        to.delivery_mode = properties->delivery_mode;
    }
    if (properties->present & CAMQP_HAS_HEADERS) {
        to._flags |= AMQP_BASIC_HEADERS_FLAG;
        to.headers = root_table(&in);
    }
    int64_t result = in.status;
    if (in.status == CAMQP_OK) {
        uint8_t *payload = out + FRAME_HEADER;
        amqp_bytes_t room = {capacity - FRAME_HEADER - 12 - FRAME_FOOTER, payload + 12};
        write16(payload, AMQP_BASIC_CLASS);
        write16(payload + 2, 0);
        write32(payload + 4, (uint32_t)(body_size >> 32));
        write32(payload + 8, (uint32_t)body_size);
        int length = amqp_encode_properties(AMQP_BASIC_CLASS, &to, room);
        if (length < 0) result = length == AMQP_STATUS_BAD_AMQP_DATA ? CAMQP_NO_ROOM : status_of(length);
        else result = finish_frame(CAMQP_FRAME_HEADER, channel, (size_t)length + 12, out);
    }
    if (field_count > 0) empty_amqp_pool(&in.pool);
    return result;
}
